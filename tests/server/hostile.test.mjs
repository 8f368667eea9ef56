import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createApp } from '../../server-stub/app.mjs';
import { readSite } from '../../server-stub/site.mjs';
import { DATA, SECRET, startFixture } from './fixture.mjs';
import { request, sendRaw } from './wire.mjs';

/** @type {Awaited<ReturnType<typeof startFixture>>} */
let server;
before(async () => {
  server = await startFixture();
});
after(() => server.close());

const stillAlive = async () => {
  const got = await request(server.port, '/data.onnx');
  assert.equal(got.status, 200);
  assert.deepEqual(got.body, DATA);
};

test('malformed messages end in 400 or a closed connection, never in a crash', async () => {
  for (const bytes of [
    'nonsense\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET /\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n',
    `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${'b'.repeat(100_000)}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nRange: bytes=${'0-0,'.repeat(3000)}\r\nConnection: close\r\n\r\n`,
    '\0\0\0\0',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    '',
  ]) {
    const got = await sendRaw(server.port, bytes, 300).catch(() => ({ status: 0 }));
    assert.ok(got.status < 500, `status ${got.status} for ${JSON.stringify(bytes.slice(0, 40))}`);
  }
  await stillAlive();
});

test('clients that leave in the middle do no harm', async () => {
  for (let i = 0; i < 20; i++) {
    await new Promise((done) => {
      const socket = connect(server.port, '127.0.0.1', () => {
        socket.write('GET /data.onnx HTTP/1.1\r\nHost: x\r\n\r\n');
        setTimeout(() => socket.destroy(), i % 4);
      });
      socket.on('close', done);
      socket.on('error', () => {});
    });
  }
  await stillAlive();
});

test('a file that changed under the server is not sent under the old tag', async () => {
  await writeFile(join(server.site, 'page.json'), '{"other":1}');
  const got = await request(server.port, '/page.json');
  assert.equal(got.status, 503);
  assert.match(got.body.toString(), /Restart the server/);
  await stillAlive();
});

test('20,000 random requests: no fault, no status of 500 or more, nothing beyond the site', async () => {
  const site = await readSite([{ prefix: '/', dir: server.site }]);
  const app = createApp(site);
  const known = new Set(
    [...site.values()].flatMap((entry) => [entry.blob, ...entry.variants.map((v) => v.blob)]),
  );
  let seed = 12345;
  const random = (/** @type {number} */ n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * n);
  };
  const pick = (/** @type {string[]} */ from) => from[random(from.length)];
  const PARTS = [
    '/',
    '..',
    '.',
    '%2e',
    '%2f',
    '%5c',
    '%00',
    '%',
    '\\',
    'data.onnx',
    'assets',
    '?',
    '#',
    'index.html',
    '\xff',
    ' ',
    'http://x',
  ];
  const VALUES = [
    'bytes=',
    '0',
    '-',
    '9',
    ',',
    '5',
    '"',
    'W/',
    '*',
    'sha256:',
    'gzip',
    'br',
    ';q=',
    '=',
    '.',
    ' ',
    '99999999999999999999',
    'x',
    '\t',
  ];
  const NAMES = ['range', 'if-range', 'if-match', 'if-none-match', 'accept-encoding'];
  const text = (/** @type {string[]} */ from, /** @type {number} */ most) =>
    Array.from({ length: random(most) }, () => pick(from)).join('');
  for (let i = 0; i < 20_000; i++) {
    const target =
      random(3) === 0 ? pick(['/', '/data.onnx', '/assets/app-abc123.js', '/empty.bin']) : text(PARTS, 8);
    const headers = Object.fromEntries(NAMES.filter(() => random(2)).map((name) => [name, text(VALUES, 9)]));
    const answer = app({ method: pick(['GET', 'GET', 'GET', 'HEAD', 'POST', '']), target, headers });
    assert.ok(answer.status >= 200 && answer.status < 500);
    if (typeof answer.body === 'string') assert.ok(!answer.body.includes(SECRET));
    if (answer.body === null || typeof answer.body === 'string') continue;
    const { blob, start, end } = answer.body;
    assert.ok(known.has(blob) && start >= 0 && start <= end && end <= blob.size);
    assert.equal(answer.headers['content-length'], String(end - start));
  }
});
