import { setTimeout } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { stop } from '../../.tools/log.mjs';
import { which } from '../../.tools/paths.mjs';
import { byKernel } from './profile.mjs';
import { inTurn, median, spread } from './statistics.mjs';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function launch() {
  const executablePath = which('chromium') ?? stop('Chromium is missing. As root: apt-get install chromium');
  return chromium.launch({ executablePath, args: flags });
}

/** Complaints of the page go to `complaints`, for the message when something fails. */
export async function openPage(context, url) {
  const page = await context.newPage();
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(error.message));
  page.on('console', (message) => message.type() === 'error' && page.complaints.push(message.text()));
  await page.goto(url, { waitUntil: 'load' });
  return page;
}

export async function waitFor(page, expression, arg) {
  try {
    return await page.waitForFunction(expression, arg, { timeout: 60_000 });
  } catch (error) {
    throw new Error(`${page.url()}: ${error.message}\n${page.complaints.join('\n')}`);
  }
}

/** Gives `work` a fresh page that can open runtimes; `script` runs in it first. */
export async function inPage(browser, base, work, script) {
  // Our server's policy stops the threads of onnxruntime-web, and LiteRT.js.
  const context = await browser.newContext({ bypassCSP: true });
  try {
    if (script) await context.addInitScript(script);
    const page = await openPage(context, `${base}models.html`);
    await waitFor(page, () => globalThis.bench !== undefined);
    if (!(await page.evaluate(() => globalThis.bench.isolated)))
      stop('the benchmark page is not cross-origin isolated');
    return await work(page, context);
  } finally {
    await context.close();
  }
}

/** Milliseconds until `runtime` has a session in the page, which the page calls `name` from then on. */
export const openIn = (page, { name, runtime = name, model, inputs }) =>
  page.evaluate(([name, given]) => globalThis.bench.open(name, given), [name, { runtime, model, inputs }]);

/**
 * All contestants in one fresh page in turn; those with a `time` of their own run elsewhere.
 * @param {{ name: string, runtime?: string, model: string, inputs: string, time?: (runs: number) => Promise<number[]> }[]}
 *   contestants the first is the one that the others' results are compared with; `model` and `inputs` as in site.mjs
 * @param {{ rounds: number, block: number, tolerance: number }} options
 * @returns {Promise<{ times: Record<string, { median: number, spread: number, rounds: number[] }>,
 *   creation: Record<string, number>, differences: Record<string, string> }>} in milliseconds
 */
export function timeModel(browser, base, contestants, { tolerance, ...timing }) {
  return inPage(browser, base, async (page) => {
    const creation = {};
    for (const contestant of contestants)
      creation[contestant.name] = contestant.time ? contestant.creation : await openIn(page, contestant);
    const inside = contestants.filter(({ time }) => !time).map(({ name }) => name);
    const differences = await page.evaluate((names) => globalThis.bench.differences(names), inside);
    for (const [name, value] of Object.entries(differences)) {
      if (!(Number(value) <= tolerance))
        throw new Error(`${name} differs by ${Number(value).toExponential(1)}, allowed ${tolerance}`);
    }
    const timed = contestants.map(({ name, time }) => ({
      name,
      time:
        time ?? ((runs) => page.evaluate(([name, runs]) => globalThis.bench.time(name, runs), [name, runs])),
    }));
    return { times: await inTurn(timed, timing), creation, differences };
  });
}

/** Where one model's time goes on Kinglet, in a page's own thread. */
export const profileModel = (browser, base, files, runs = 5) =>
  inPage(browser, base, async (page) => {
    await openIn(page, { name: 'kinglet in page', ...files });
    const events = await page.evaluate((runs) => globalThis.bench.profile('kinglet in page', runs), runs);
    return byKernel(events, runs);
  });

/** Milliseconds in which a new window does work of its own, which is no page's. */
const settling = 1000;

/**
 * Page start to first result of the tiny model, and the start of a page without a runtime (`alone`). Cold: nothing cached.
 * Warm: the files are in the HTTP cache.
 * @param {string[]} runtimes of `startNames` in site.mjs
 * @returns {Promise<Record<string, { cold: { median: number, spread: number }, warm: { median: number, spread: number } }>>}
 */
export async function timeStart(browser, base, runtimes, repeats) {
  const once = async (context, runtime) => {
    const page = await context.newPage();
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    // Nothing runs in the page before it has finished: what asks it again and again would take its time.
    const finished = page.waitForEvent('console', {
      predicate: (message) => message.text() === 'started',
      timeout: 60_000,
    });
    await setTimeout(settling);
    await page.goto(`${base}start/${runtime}.html`);
    await finished.catch((error) => stop(`${page.url()}: ${error.message}\n${complaints.join('\n')}`));
    const { milliseconds, scores } = await page.evaluate(() => globalThis.started);
    await page.close();
    return { milliseconds, scores };
  };
  const cold = Object.fromEntries(runtimes.map((name) => [name, []]));
  const warm = Object.fromEntries(runtimes.map((name) => [name, []]));
  const kept = await browser.newContext();
  const results = {};
  for (const runtime of runtimes) results[runtime] = (await once(kept, runtime)).scores;
  for (let i = 0; i < repeats; i++) {
    for (const runtime of runtimes) {
      const fresh = await browser.newContext();
      cold[runtime].push((await once(fresh, runtime)).milliseconds);
      await fresh.close();
    }
    for (const runtime of runtimes) warm[runtime].push((await once(kept, runtime)).milliseconds);
  }
  await kept.close();
  const [first, ...others] = Object.values(results).filter(Boolean);
  for (const other of others) {
    if (other.some((value, i) => Math.abs(value - first[i]) > 1e-3))
      stop('the runtimes disagree on the tiny model');
  }
  const summary = (values) => ({ median: median(values), spread: spread(values) });
  return Object.fromEntries(
    runtimes.map((name) => [name, { cold: summary(cold[name]), warm: summary(warm[name]) }]),
  );
}
