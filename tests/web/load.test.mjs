// Getting the engine and the model over the network, with servers that are not what they should be.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { env, InferenceSession, KingletError, Tensor } from 'kinglet';
import { identity, joinAndFlip, transposes } from './models.mjs';

const wasm = readFileSync(new URL('../../dist/kinglet-simd.wasm', import.meta.url));
env.wasm.numThreads = 1;
const html = '<!DOCTYPE html><title>Start page</title>';
const large = transposes(3000);
let requests = {};

/** path -> (response, number of the request) */
const routes = {
  '/good/kinglet-simd.wasm': (r) => r.writeHead(200, { 'content-type': 'application/wasm' }).end(wasm),
  '/octets/kinglet-simd.wasm': (r) =>
    r.writeHead(200, { 'content-type': 'application/octet-stream' }).end(wasm),
  '/html/kinglet-simd.wasm': (r) => r.writeHead(200, { 'content-type': 'text/html' }).end(html),
  '/html-as-wasm/kinglet-simd.wasm': (r) =>
    r.writeHead(200, { 'content-type': 'application/wasm' }).end(html),
  '/cut/kinglet-simd.wasm': (r) => r.writeHead(200).end(wasm.subarray(0, 5000)),
  '/slow/kinglet-simd.wasm': () => undefined,
  '/later/kinglet-simd.wasm': (r, n) =>
    n === 1 ? r.writeHead(503).end() : routes['/good/kinglet-simd.wasm'](r),
  '/other/kinglet-simd.wasm': (r) =>
    r.writeHead(200, { 'content-type': 'application/wasm' }).end(Buffer.from([0, 97, 115, 109, 1, 0, 0, 0])),
  '/model.onnx': (r) => r.writeHead(200, { 'content-length': joinAndFlip.length }).end(joinAndFlip),
  '/large.onnx': (r) => r.writeHead(200, { 'content-length': large.length }).end(large),
  '/chunked.onnx': (r) => {
    r.writeHead(200);
    for (let at = 0; at < large.length; at += 1000) r.write(large.subarray(at, at + 1000));
    r.end();
  },
  '/gzip.onnx': (r) => {
    const body = gzipSync(large);
    r.writeHead(200, { 'content-encoding': 'gzip', 'content-length': body.length }).end(body);
  },
  '/page.onnx': (r) => r.writeHead(200, { 'content-type': 'text/html' }).end(html),
  '/cut.onnx': (r) => {
    r.writeHead(200, { 'content-length': large.length });
    r.write(large.subarray(0, 5000));
    setTimeout(() => r.destroy(), 20);
  },
  '/endless.onnx': (r) => {
    r.writeHead(200);
    const more = () => {
      if (r.destroyed) return;
      r.write(Buffer.alloc(1000));
      setTimeout(more, 5);
    };
    more();
  },
};

const server = createServer((request, response) => {
  const path = request.url;
  requests[path] = (requests[path] ?? 0) + 1;
  const route = routes[path];
  if (route) route(response, requests[path]);
  else response.writeHead(404).end('nothing here');
});
let base;

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${server.address().port}`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});

async function createWith(folder, source = joinAndFlip, options = {}) {
  env.wasm.simd = 'fixed';
  if (folder) env.wasm.wasmPaths = `${base}${folder}/`;
  requests = {};
  try {
    return await InferenceSession.create(source, options);
  } finally {
    delete env.wasm.wasmPaths;
  }
}

async function fails(promise, code, words) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof KingletError, `${error.stack}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    return true;
  });
}

async function works(session) {
  const a = new Tensor('float32', new Float32Array(3), [1, 3]);
  assert.deepEqual((await session.run({ a, b: a })).joined.dims, [2, 3]);
  await session.release();
}

test('the wasm file with the right and with another content type', async () => {
  await works(await createWith('/good'));
  await works(await createWith('/octets'));
});

test('the wasm file is fetched once for many sessions', async () => {
  const sessions = await Promise.all([createWith('/good'), createWith('/good'), createWith('/good')]);
  assert.equal(requests['/good/kinglet-simd.wasm'] ?? 0, 0, 'an earlier test has loaded it');
  for (const session of sessions) await works(session);
});

test('a web page in place of the wasm file is called that', async () => {
  await fails(createWith('/html'), 'load_failed', /web page in place of the wasm file/);
  const error = await createWith('/html').catch((e) => e);
  assert.match(error.context.hint, /wasmPaths/);
  await fails(createWith('/html-as-wasm'), 'load_failed', /did not compile/);
});

test('a missing, cut or foreign wasm file', async () => {
  await fails(createWith('/nowhere'), 'load_failed', /nowhere\/kinglet-simd\.wasm: .*status 404/);
  await fails(createWith('/cut'), 'load_failed', /did not compile/);
  await fails(createWith('/other'), 'load_failed', /another version/);
});

test('a failed load is tried again', async () => {
  await fails(createWith('/later'), 'load_failed', /503/);
  env.wasm.wasmPaths = `${base}/later/`;
  await works(await InferenceSession.create(joinAndFlip));
  delete env.wasm.wasmPaths;
});

test('env.wasm.initTimeout', async () => {
  env.wasm.initTimeout = 50;
  try {
    await fails(createWith('/slow'), 'load_failed', /initTimeout/);
  } finally {
    delete env.wasm.initTimeout;
  }
});

test('env.wasm.wasmBinary and wasmPaths.wasm', async () => {
  env.wasm.wasmBinary = wasm;
  await works(await createWith(''));
  delete env.wasm.wasmBinary;
  env.wasm.wasmPaths = { wasm: new URL(`${base}/octets/kinglet-simd.wasm`) };
  await works(await InferenceSession.create(joinAndFlip));
  delete env.wasm.wasmPaths;
});

for (const worker of [false, true]) {
  const where = worker ? 'in a worker' : 'in this thread';

  test(`models come in one piece, in chunks, and encoded, ${where}`, async () => {
    await works(await createWith('', `${base}/model.onnx`, { worker }));
    for (const path of ['/large.onnx', '/chunked.onnx', '/gzip.onnx']) {
      const seen = [];
      const onProgress = (progress) => seen.push(progress);
      const session = await createWith('', base + path, { worker, onProgress });
      assert.deepEqual(seen.at(-1), { loaded: large.length, total: large.length }, path);
      await session.release();
    }
  });

  test(`models that do not come, ${where}`, async () => {
    await fails(createWith('', `${base}/nothing.onnx`, { worker }), 'fetch_failed', /nothing\.onnx: .*404/);
    await fails(createWith('', `${base}/page.onnx`, { worker }), 'fetch_failed', /web page/);
    await fails(createWith('', `${base}/cut.onnx`, { worker }), 'fetch_failed', /connection broke/);
    await fails(createWith('', 'http://127.0.0.1:9/x.onnx', { worker }), 'fetch_failed', /request failed/);
  });

  test(`a download ends with its signal, ${where}`, async () => {
    const controller = new AbortController();
    const session = createWith('', `${base}/endless.onnx`, { worker, signal: controller.signal });
    setTimeout(() => controller.abort(), 100);
    await assert.rejects(session, { name: 'AbortError' });
  });

  test(`external data come from URLs, ${where}`, async () => {
    const externalData = [`${base}/nothing.bin`];
    await fails(
      createWith('', identity('float32'), { worker, externalData }),
      'fetch_failed',
      /nothing\.bin/,
    );
  });
}
