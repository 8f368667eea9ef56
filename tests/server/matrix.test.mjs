// The request matrix of static serving, over real sockets. Where nginx and RFC 9110 leave a choice, the comment says which one.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { DATA, SCRIPT, SECRET, startFixture, tag } from './fixture.mjs';
import { request, sendRaw } from './wire.mjs';

/** @type {Awaited<ReturnType<typeof startFixture>>} */
let server;
before(async () => {
  server = await startFixture();
});
after(() => server.close());

const ETAG = tag(DATA);
const STALE = tag(Buffer.from('older bytes'));
/** @param {Record<string, string>} headers */
const get = (headers = {}, target = '/data.onnx') => request(server.port, target, { headers });

describe('ranges', () => {
  /** @type {[string, number, number, number][]} range, status, first, last */
  const cases = [
    ['bytes=0-9', 206, 0, 9],
    ['bytes=990-', 206, 990, 999],
    ['bytes=999-999', 206, 999, 999],
    ['bytes=900-5000', 206, 900, 999],
    ['bytes=-100', 206, 900, 999],
    ['bytes=-5000', 206, 0, 999],
    ['bytes=0-99999999999999999999999999', 206, 0, 999],
    ['Bytes = 5-6', 206, 5, 6],
    ['bytes=0-9,5000-', 206, 0, 9],
    ['bytes= 0-9 ,', 206, 0, 9],
  ];
  for (const [range, status, first, last] of cases) {
    test(range, async () => {
      const got = await get({ range });
      assert.equal(got.status, status);
      assert.equal(got.headers['content-range'], `bytes ${first}-${last}/1000`);
      assert.equal(got.headers['content-length'], String(last - first + 1));
      assert.deepEqual(got.body, DATA.subarray(first, last + 1));
      assert.equal(got.headers.etag, ETAG);
    });
  }
  // A malformed set is refused as nginx does; RFC 9110 also allows ignoring it.
  for (const range of [
    'bytes=9-1',
    'bytes=abc',
    'bytes=1000-',
    'bytes=5000-6000',
    'bytes=-0',
    'bytes=-',
    'bytes=',
    'bytes=1',
    'bytes=0-9,x',
    'bytes=--5',
    'bytes=0x1-2',
  ]) {
    test(`${range} is refused`, async () => {
      const got = await get({ range });
      assert.equal(got.status, 416);
      assert.equal(got.headers['content-range'], 'bytes */1000');
    });
  }
  // Several satisfiable ranges: the whole file (nginx answers multipart; no client of ours asks for it).
  for (const range of ['lines=0-9', 'bytes=0-9,20-29', '0-9', 'garbage']) {
    test(`${range} is ignored`, async () => {
      const got = await get({ range });
      assert.equal(got.status, 200);
      assert.deepEqual(got.body, DATA);
      assert.equal(got.headers['content-range'], undefined);
    });
  }
  test('HEAD ignores Range', async () => {
    const got = await request(server.port, '/data.onnx', { method: 'HEAD', headers: { range: 'bytes=0-9' } });
    assert.equal(got.status, 200);
    assert.equal(got.headers['content-length'], '1000');
    assert.equal(got.body.length, 0);
  });
  test('an empty file has no bytes to ask for', async () => {
    assert.equal((await get({ range: 'bytes=0-0' }, '/empty.bin')).status, 416);
    const whole = await get({}, '/empty.bin');
    assert.equal(whole.status, 200);
    assert.equal(whole.headers['content-length'], '0');
  });
});

describe('preconditions', () => {
  /** @type {[string, Record<string, string>, number][]} */
  const cases = [
    ['If-Range fresh', { range: 'bytes=0-9', 'if-range': ETAG }, 206],
    ['If-Range stale', { range: 'bytes=0-9', 'if-range': STALE }, 200],
    ['If-Range weak', { range: 'bytes=0-9', 'if-range': `W/${ETAG}` }, 200],
    ['If-Range date', { range: 'bytes=0-9', 'if-range': 'Tue, 01 Jan 2030 00:00:00 GMT' }, 200],
    ['If-Range stale with a bad range', { range: 'bytes=9-1', 'if-range': STALE }, 200],
    ['If-Match fresh', { 'if-match': ETAG }, 200],
    ['If-Match any', { 'if-match': '*' }, 200],
    ['If-Match stale', { 'if-match': STALE }, 412],
    ['If-Match weak', { 'if-match': `W/${ETAG}` }, 412],
    ['If-Match list', { 'if-match': `${STALE}, ${ETAG}` }, 200],
    ['If-Match malformed', { 'if-match': 'sha256:abc' }, 412],
    ['If-Match stale beats If-None-Match', { 'if-match': STALE, 'if-none-match': ETAG }, 412],
    ['If-None-Match fresh', { 'if-none-match': ETAG }, 304],
    ['If-None-Match weak', { 'if-none-match': `W/${ETAG}` }, 304],
    ['If-None-Match list', { 'if-none-match': `${STALE} , W/"x,y",${ETAG}` }, 304],
    ['If-None-Match any', { 'if-none-match': '*' }, 304],
    ['If-None-Match stale', { 'if-none-match': STALE }, 200],
    ['If-None-Match beats Range', { 'if-none-match': ETAG, range: 'bytes=0-9' }, 304],
  ];
  for (const [name, headers, status] of cases) {
    test(name, async () => {
      const got = await get(headers);
      assert.equal(got.status, status);
      if (status === 200) assert.deepEqual(got.body, DATA);
      if (status === 206) assert.deepEqual(got.body, DATA.subarray(0, 10));
      if (status === 304) {
        assert.equal(got.body.length, 0);
        assert.equal(got.headers.etag, ETAG);
      }
    });
  }
});

describe('content codings', () => {
  const target = '/assets/app-abc123.js';
  /** @type {[string | undefined, string | undefined][]} */
  const cases = [
    ['br, gzip', 'br'],
    ['gzip, br', 'br'],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['GZIP;Q=0.5', 'gzip'],
    ['br;q=0.1, gzip;q=0.9', 'gzip'],
    ['gzip;q=0', undefined],
    ['gzip;q=0, br;q=0', undefined],
    ['*', 'br'],
    ['*;q=0', undefined],
    ['br;q=0, *', 'gzip'],
    ['identity, gzip;q=0.5', undefined],
    ['deflate, zstd', undefined],
    ['', undefined],
    [undefined, undefined],
    ['br;q=nonsense', undefined],
  ];
  for (const [accept, coding] of cases) {
    test(`Accept-Encoding: ${accept ?? '(absent)'}`, async () => {
      const got = await get(accept === undefined ? {} : { 'accept-encoding': accept }, target);
      assert.equal(got.status, 200);
      assert.equal(got.headers['content-encoding'], coding);
      assert.equal(got.headers.vary, 'Accept-Encoding');
      const plain =
        coding === 'br' ? brotliDecompressSync(got.body) : coding ? gunzipSync(got.body) : got.body;
      assert.deepEqual(plain, SCRIPT);
      assert.equal(got.headers.etag, tag(got.body));
    });
  }
  test('each coding has its own tag', async () => {
    const br = await get({ 'accept-encoding': 'br' }, target);
    assert.equal(
      (await get({ 'accept-encoding': 'br', 'if-none-match': br.headers.etag }, target)).status,
      304,
    );
    assert.equal((await get({ 'if-none-match': br.headers.etag }, target)).status, 200);
  });
  test('a range of a coded variant is not served', async () => {
    const got = await get({ 'accept-encoding': 'gzip', range: 'bytes=0-9' }, target);
    assert.equal(got.status, 200);
    assert.deepEqual(gunzipSync(got.body), SCRIPT);
    assert.equal(got.headers['accept-ranges'], undefined);
  });
  test('a range of the plain bytes is', async () => {
    const got = await get({ range: 'bytes=0-9' }, target);
    assert.equal(got.status, 206);
    assert.deepEqual(got.body, SCRIPT.subarray(0, 10));
  });
  test('weights have no coded variant', async () => {
    const got = await get({ 'accept-encoding': 'br, gzip' });
    assert.equal(got.headers['content-encoding'], undefined);
    assert.equal(got.headers['accept-ranges'], 'bytes');
  });
  test('a variant cannot be asked for by name', async () => {
    assert.equal((await get({}, `${target}.br`)).status, 404);
  });
});

describe('methods', () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE']) {
    test(method, async () => {
      const got = await request(server.port, '/data.onnx', { method, headers: { 'content-length': '0' } });
      assert.equal(got.status, 405);
      assert.equal(got.headers.allow, 'GET, HEAD');
    });
  }
  test('a POST with a body leaves the connection usable', async () => {
    const head = 'HTTP/1.1\r\nHost: x\r\n';
    const got = await sendRaw(
      server.port,
      `POST /data.onnx ${head}Content-Length: 5\r\n\r\nhelloGET /page.json ${head}Connection: close\r\n\r\n`,
    );
    const text = got.raw.toString('latin1');
    assert.match(text, /^HTTP\/1\.1 405 /);
    assert.match(text, /HTTP\/1\.1 200 OK[\s\S]*\{\}$/);
  });
  test('HEAD equals GET without the body', async () => {
    const strip = (/** @type {Record<string, string>} */ { date, ...rest }) => rest;
    const head = await request(server.port, '/data.onnx', { method: 'HEAD' });
    assert.deepEqual(strip(head.headers), strip((await get()).headers));
    assert.equal(head.body.length, 0);
  });
});

describe('addresses', () => {
  for (const target of [
    '/../secret.txt',
    '/./../secret.txt',
    '/%2e%2e/secret.txt',
    '/%2e%2e%2fsecret.txt',
    '/..%2fsecret.txt',
    '/..%5csecret.txt',
    '/..\\secret.txt',
    '/data.onnx%00.txt',
    '/%00',
    '/%ff',
    '/%',
    '//data.onnx',
    '/data.onnx/',
    '/assets',
    '/assets/',
    '/assets/../data.onnx',
    '/.hidden',
    '/link.txt',
    '/__proto__',
    '/constructor',
    '*',
    'data.onnx',
    '?',
    'ftp://127.0.0.1/data.onnx',
  ]) {
    test(`${target} leads nowhere`, async () => {
      const got = await request(server.port, target);
      assert.ok(got.status === 404 || got.status === 400, `status ${got.status}`);
      assert.ok(!got.raw.includes(SECRET));
      assert.ok(!got.raw.includes(server.site));
    });
  }
  for (const [target, type] of [
    ['/', 'text/html; charset=utf-8'],
    ['/index.html', 'text/html; charset=utf-8'],
    ['/?q=1', 'text/html; charset=utf-8'],
    ['http://127.0.0.1/', 'text/html; charset=utf-8'],
    ['http://127.0.0.1', 'text/html; charset=utf-8'],
    ['/data.onnx?v=2', 'application/octet-stream'],
    ['/models/a%20model/1.0.0/weights.onnx', 'application/octet-stream'],
    ['/engine.wasm', 'application/wasm'],
    ['/style.css', 'text/css; charset=utf-8'],
    ['/page.json', 'application/json'],
    ['/assets/app-abc123.js', 'text/javascript; charset=utf-8'],
  ]) {
    test(`${target} is found`, async () => {
      const got = await request(server.port, target);
      assert.equal(got.status, 200);
      assert.equal(got.headers['content-type'], type);
    });
  }
});

describe('headers', () => {
  test('every answer isolates and forbids sniffing', async () => {
    for (const got of [
      await get(),
      await get({}, '/nothing'),
      await get({ 'if-none-match': ETAG }),
      await get({ range: 'bytes=9-1' }),
      await request(server.port, '/', { method: 'POST' }),
    ]) {
      assert.equal(got.headers['cross-origin-opener-policy'], 'same-origin');
      assert.equal(got.headers['cross-origin-embedder-policy'], 'require-corp');
      assert.equal(got.headers['cross-origin-resource-policy'], 'same-origin');
      assert.equal(got.headers['x-content-type-options'], 'nosniff');
      assert.match(
        got.headers['content-security-policy'],
        /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/,
      );
    }
  });
  test('only names with a content hash are cached for good', async () => {
    assert.match((await get({}, '/assets/app-abc123.js')).headers['cache-control'], /immutable/);
    assert.equal((await get()).headers['cache-control'], 'no-cache');
    assert.equal((await get({}, '/nothing')).headers['cache-control'], 'no-store');
  });
});
