// The built package in a real browser, on a server that sends the headers a test asks for.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';
import { which } from '../../../.tools/paths.mjs';

const types = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};
const quiet =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

/** Kinds of pages: the first part of a path names its headers. */
export const kinds = {
  plain: {},
  isolated: {
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
  },
  strict: {
    'content-security-policy':
      "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; require-trusted-types-for 'script'; trusted-types kinglet",
  },
  // No script may become a worker.
  workerless: { 'content-security-policy': "worker-src 'none'" },
  // No WebAssembly.
  wasmless: { 'content-security-policy': "script-src 'self'" },
};

/**
 * Serves `mounts` (prefix -> folder) and `files` (path -> text or bytes) under every kind: `/isolated/x.js`.
 * @returns {Promise<{url: string, close: () => Promise<void>}>}
 */
export async function serve({ mounts = {}, files = {} }) {
  const server = createServer(async (request, response) => {
    const [, kind, ...rest] = new URL(request.url, 'http://localhost').pathname.split('/');
    const path = rest.join('/');
    const mount = Object.keys(mounts).find((prefix) => path.startsWith(prefix));
    try {
      if (!kinds[kind] || normalize(path).startsWith('..')) throw new Error('not found');
      const body = files[path] ?? (await readFile(join(mounts[mount], path.slice(mount.length))));
      const type = types[extname(path)] ?? 'application/octet-stream';
      response.writeHead(200, { 'content-type': type, ...kinds[kind] }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function launch() {
  const executablePath = which('chromium');
  if (!executablePath) throw new Error('Chromium is missing. As root: apt-get install chromium');
  return chromium.launch({ executablePath, args: quiet.split(' ') });
}

/** A page with `problems`: console errors, uncaught errors, violations of its policies; and `warnings`. */
export async function openPage(browser, url) {
  const page = await browser.newPage();
  page.problems = [];
  page.warnings = [];
  page.on('pageerror', (error) => page.problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') page.problems.push(message.text());
    if (message.type() === 'warning') page.warnings.push(message.text());
  });
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  await page.goto(url);
  await page.waitForFunction(() => globalThis.kinglet !== undefined);
  return page;
}
