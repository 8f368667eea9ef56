import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { buildMounts, startServer } from '../../server-stub/main.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const QUIET =
  '--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

/**
 * The built console in a real browser on a server of its own. `problems` collects what no page may cause: console errors, uncaught
 * exceptions, violations of the content security policy, answers of 400 and more.
 * @param {{ args?: string[], page?: import('playwright-core').BrowserContextOptions }} [options]
 */
export async function openConsole({ args = [], page: pageOptions = {} } = {}) {
  for (const part of ['console/index.html', 'catalog/index.json']) {
    if (!existsSync(join(ROOT, 'build', part)))
      throw new Error(`build/${part} is missing. Run npm run build first.`);
  }
  const executablePath = CHROMIUM.find((path) => existsSync(path));
  if (!executablePath) throw new Error('Chromium is missing. As root: apt-get install chromium');
  const server = await startServer({ mounts: buildMounts(join(ROOT, 'build')), port: 0 });
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', ...QUIET.split(' '), ...args],
  });
  const context = await browser.newContext({ viewport: { width: 1180, height: 900 }, ...pageOptions });
  const page = await context.newPage();
  /** @type {string[]} */
  const problems = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`uncaught: ${error.message}`));
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
  });
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) =>
      console.error(`CSP ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  return {
    page,
    server,
    problems,
    /** @param {string} path */
    open: (path) => page.goto(server.url + path),
    /** @param {string} name */
    async screenshot(name) {
      await mkdir(join(ROOT, 'build/screenshots'), { recursive: true });
      await page.screenshot({ path: join(ROOT, 'build/screenshots', `${name}.png`), fullPage: true });
    },
    async close() {
      await browser.close();
      await server.close();
    },
  };
}

/** @param {string} path below build/ */
export const built = (path) => join(ROOT, 'build', path);
