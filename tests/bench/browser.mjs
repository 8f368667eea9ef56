import { chromium } from 'playwright-core';
import { stop } from '../../.tools/log.mjs';
import { which } from '../../.tools/paths.mjs';
import { byKernel } from './profile.mjs';
import { inTurn, median, spread } from './statistics.mjs';
import { key } from './subjects.mjs';

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

/**
 * One model, all runtimes in one fresh page in turn.
 * @returns {Promise<{ times: Record<string, { median: number, spread: number, rounds: number[] }>,
 *   creation: Record<string, number> }>} in milliseconds
 */
export async function timeModel(browser, base, subject, runtimes, options) {
  const context = await browser.newContext();
  try {
    const page = await openPage(context, `${base}models.html`);
    await waitFor(page, () => globalThis.bench !== undefined);
    if (!(await page.evaluate(() => globalThis.bench.isolated)))
      stop('the benchmark page is not cross-origin isolated');
    const creation = {};
    for (const runtime of runtimes) {
      creation[runtime] = await page.evaluate(
        ([runtime, subject]) => globalThis.bench.open(runtime, subject),
        [runtime, key(subject)],
      );
    }
    const contestants = runtimes.map((name) => ({
      name,
      time: (runs) => page.evaluate(([name, runs]) => globalThis.bench.time(name, runs), [name, runs]),
    }));
    return { times: await inTurn(contestants, options), creation };
  } finally {
    await context.close();
  }
}

/** Where one model's time goes on Kinglet, in a page's own thread. */
export async function profileModel(browser, base, subject, runs = 5) {
  const context = await browser.newContext();
  try {
    const page = await openPage(context, `${base}models.html`);
    await waitFor(page, () => globalThis.bench !== undefined);
    const events = await page.evaluate(
      ([name, subject, runs]) =>
        globalThis.bench.open(name, subject).then(() => globalThis.bench.profile(name, runs)),
      ['kinglet in page', key(subject), runs],
    );
    return byKernel(events, runs);
  } finally {
    await context.close();
  }
}

/**
 * Page start to first result of the tiny model. Cold: nothing cached. Warm: the files are in the HTTP cache.
 * @returns {Promise<Record<string, { cold: { median: number, spread: number }, warm: { median: number, spread: number } }>>}
 */
export async function timeStart(browser, base, runtimes, repeats) {
  const once = async (context, runtime) => {
    const page = await openPage(context, `${base}start.html?${encodeURIComponent(runtime)}`);
    await waitFor(page, () => globalThis.started !== undefined);
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
  const [first, ...others] = runtimes.map((name) => results[name]);
  for (const other of others) {
    if (other.some((value, i) => Math.abs(value - first[i]) > 1e-3))
      stop('the runtimes disagree on the tiny model');
  }
  const summary = (values) => ({ median: median(values), spread: spread(values) });
  return Object.fromEntries(
    runtimes.map((name) => [name, { cold: summary(cold[name]), warm: summary(warm[name]) }]),
  );
}
