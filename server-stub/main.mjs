#!/usr/bin/env node
import { open } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createApp, plain } from './app.mjs';
import { readSite } from './site.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/**
 * The folders the build leaves: the console at `/`, the catalog of models and samples at `/catalog/`.
 * @param {string} build
 */
export const buildMounts = (build = join(ROOT, 'build')) => [
  { prefix: '/', dir: join(build, 'console') },
  { prefix: '/catalog/', dir: join(build, 'catalog') },
];

/**
 * @param {{ mounts?: import('./site.mjs').Mount[], host?: string, port?: number }} options port 0 takes a free one
 * @returns {Promise<{ url: string, port: number, files: number, close: () => Promise<void> }>}
 */
export async function startServer({ mounts = buildMounts(), host = '127.0.0.1', port = 8080 } = {}) {
  const site = await readSite(mounts);
  const app = createApp(site);
  const server = createServer((request, response) => {
    respond(app, request, response).catch(() => response.destroy());
  });
  server.on('clientError', (_error, socket) => {
    if (socket.writable)
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    else socket.destroy();
  });
  await new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(port, host, () => done(undefined));
  });
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}/`,
    port: address.port,
    files: site.size,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

/**
 * @param {(request: import('./app.mjs').Request) => import('./app.mjs').Response} app
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
async function respond(app, request, response) {
  request.resume();
  const method = request.method ?? '';
  const headers = /** @type {Record<string, string | undefined>} */ (request.headers);
  const answer = app({ method, target: request.url ?? '', headers });
  const { body } = answer;
  if (body === null || typeof body === 'string') {
    response.writeHead(answer.status, answer.headers).end(body);
    return;
  }
  const file = await open(body.blob.path).catch(() => null);
  try {
    const now = await file?.stat();
    if (!file || now?.size !== body.blob.size || now.mtimeMs !== body.blob.mtimeMs) {
      const changed = plain(method, 503, 'This file changed since the server started. Restart the server.');
      response.writeHead(changed.status, changed.headers).end(changed.body);
      return;
    }
    response.writeHead(answer.status, answer.headers);
    if (body.end === body.start) {
      response.end();
      return;
    }
    const stream = file.createReadStream({ start: body.start, end: body.end - 1, autoClose: false });
    await pipeline(stream, response);
  } finally {
    await file?.close();
  }
}

/** @param {string[]} args */
async function main(args) {
  const { values } = parseArgs({
    args,
    options: { port: { type: 'string' }, host: { type: 'string' }, build: { type: 'string' } },
  });
  const port = Number(values.port ?? process.env.KINGLET_PORT ?? 8080);
  const build = values.build === undefined ? undefined : resolve(values.build);
  try {
    const { url } = await startServer({ port, host: values.host, mounts: buildMounts(build) });
    console.log(`Kinglet is at ${url} (Ctrl+C stops it)`);
  } catch (cause) {
    const error = /** @type {NodeJS.ErrnoException} */ (cause);
    if (error.code === 'EADDRINUSE') {
      console.error(`Port ${port} is taken. Choose another: --port 8081 (or KINGLET_PORT=8081).`);
    } else if (error.code === 'ENOENT') {
      console.error(`${error.path} is missing. Build the console and the catalog first: npm run build`);
    } else {
      console.error(`The server cannot start: ${error.message}`);
    }
    process.exitCode = 1;
  }
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  await main(process.argv.slice(2));
