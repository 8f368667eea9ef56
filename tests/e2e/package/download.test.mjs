// Models that a page asks for and its worker receives, from another origin that is not what it should be.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { joinAndFlip, padded } from '../../web/models.mjs';
import { launch, openPage, serve } from './chromium.mjs';

const model = padded(joinAndFlip);
const cors = { 'access-control-allow-origin': '*' };
let asked = [];
/** Settled when the page gives up the response that never ends. */
let given;

const routes = {
  '/whole.onnx': (r) => r.writeHead(200, { ...cors, 'content-length': model.length }).end(model),
  '/chunked.onnx': (r) => {
    r.writeHead(200, cors);
    for (let at = 0; at < model.length; at += 9000) r.write(model.subarray(at, at + 9000));
    r.end();
  },
  // Other origins hide that the length is not that of what comes out.
  '/gzip.onnx': (r) => {
    const body = gzipSync(model);
    r.writeHead(200, { ...cors, 'content-encoding': 'gzip', 'content-length': body.length }).end(body);
  },
  '/cut.onnx': (r) => {
    r.writeHead(200, { ...cors, 'content-length': 2 * model.length });
    r.write(model);
    setTimeout(() => r.destroy(), 100);
  },
  '/endless.onnx': (r) => {
    r.writeHead(200, { ...cors, 'content-length': 2 * model.length });
    r.write(model);
    given = once(r, 'close');
  },
};

const other = createServer((request, response) => {
  asked.push(request.url);
  const route = routes[request.url];
  if (route) route(response);
  else response.writeHead(404, cors).end();
});
let browser;
let site;
let page;

before(async () => {
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  browser = await launch();
  site = await serve({
    mounts: { 'kinglet/': fileURLToPath(new URL('../../../dist/', import.meta.url)) },
    files: {
      'index.html': `<!doctype html><link rel="icon" href="data:,"><script type="module" src="page.js"></script>`,
      'page.js': `import * as kinglet from './kinglet/index.js'; globalThis.kinglet = kinglet;`,
    },
  });
  page = await openPage(browser, `${site.url}plain/index.html`);
});
after(async () => {
  await browser.close();
  await site.close();
  other.closeAllConnections();
  other.close();
});

/** What comes of the model at `path`: the length of a result and the last progress, or an error's code. */
function open(path, milliseconds) {
  asked = [];
  const url = `http://127.0.0.1:${other.address().port}${path}`;
  return page.evaluate(
    async ([url, milliseconds]) => {
      const { InferenceSession, Tensor } = globalThis.kinglet;
      const progress = [];
      const onProgress = ({ loaded, total }) => progress.push([loaded, total]);
      const options = milliseconds
        ? { signal: AbortSignal.timeout(milliseconds), onProgress }
        : { onProgress };
      try {
        const session = await InferenceSession.create(url, options);
        const a = new Tensor('float32', [1, 2, 3], [1, 3]);
        const { joined } = await session.run({ a, b: a });
        await session.release();
        return [joined.data.length, ...progress.at(-1)];
      } catch (error) {
        return [error.name === 'KingletError' ? error.code : error.name];
      }
    },
    [url, milliseconds],
  );
}

test('a model comes whole, however its length is announced', async () => {
  const { length } = model;
  for (const [path, times] of [
    ['/whole.onnx', 1],
    ['/chunked.onnx', 1],
    ['/gzip.onnx', 2],
  ]) {
    assert.deepEqual(await open(path), [6, length, length], path);
    assert.equal(asked.length, times, path);
  }
});

test('a download that fails is a typed error', async () => {
  assert.deepEqual(await open('/cut.onnx'), ['fetch_failed']);
  assert.deepEqual(await open('/missing.onnx'), ['fetch_failed']);
});

test('an abort ends the download', async () => {
  assert.deepEqual(await open('/endless.onnx', 300), ['TimeoutError']);
  await given;
  // A worker ends some time after it was told to.
  while (page.workers().length > 0) await page.waitForTimeout(10);
});
