#!/usr/bin/env node
// Kinglet beside its peers in Chromium. Writes build/reports/bench.md; --save also writes RESULTS.md and growth.svg here.
//   --parts a,b       of models, small, int8, twins, start, memory, growth, decode, kernels, sizes (default: all; with --models: models)
//   --models a,b      parts of model names (default: the standard ones)
//   --runtimes a,b    of page/runtimes.js, or with --node of tests/support/runtimes.mjs; the first is compared with the others
//   --rounds N        turns of each runtime (default 5)      --block MS  length of a turn (default 120)
//   --starts N        page starts of each runtime (default 7)
//   --profile         also where each model's time goes, by kernel
//   --node            under Node instead, models alone
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { main, step, stop } from '../../.tools/log.mjs';
import { build } from '../../.tools/paths.mjs';
import { hasRelaxedSimd } from '../support/runtimes.mjs';
import { launch, timeStart } from './browser.mjs';
import { timeModelInNode } from './node.mjs';
import { decode } from './parts/decode.mjs';
import { growth } from './parts/growth.mjs';
import { kernels } from './parts/kernels.mjs';
import { memory } from './parts/memory.mjs';
import { integers, models, small, twins } from './parts/models.mjs';
import { modelTable, sizeTable, startTable, surroundings } from './report.mjs';
import { serveSite, startNames } from './site.mjs';
import { measureSizes } from './sizes.mjs';
import { chooseSubjects } from './subjects.mjs';

const { values: options } = parseArgs({
  options: {
    parts: { type: 'string' },
    models: { type: 'string', default: '' },
    runtimes: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    block: { type: 'string', default: '120' },
    starts: { type: 'string', default: '7' },
    node: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
  },
});
const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const list = (text) => text.split(',').filter(Boolean);
const wanted = list(options.models);
const timing = { rounds: Number(options.rounds), block: Number(options.block) };

const start = {
  async run({ browser, base }) {
    const starts = await timeStart(browser, base, startNames, Number(options.starts));
    return [
      '## Page start to first result, 26 kB model (ms)',
      'Cold: nothing cached. Warm: files in the HTTP cache. `alone` is a page without a runtime, which all others contain; above: what is left without it.',
      startTable(starts),
    ];
  },
};
const sizes = { run: async () => ['## Bytes', sizeTable(await measureSizes())] };

/**
 * In the order of the report: `subjects` and `models` are what the site must have, what `prepare` puts there too, `run` gives
 * paragraphs of Markdown.
 * @type {Record<string, { subjects?: (context: object) => object[], models?: () => Promise<object[]>, prepare?: () => Promise<void>,
 *   run: (context: object) => Promise<string[]> }>}
 */
const parts = { models, small, int8: integers, twins, start, memory, growth, decode, kernels, sizes };

async function inBrowser() {
  const chosen = list(options.parts ?? (wanted.length ? 'models' : Object.keys(parts).join()));
  const unknown = chosen.filter((name) => !parts[name]);
  if (unknown.length) stop(`no part ${unknown.join(', ')}; there are ${Object.keys(parts).join(', ')}`);
  const subjects = chosen.flatMap((name) => parts[name].subjects?.({ wanted }) ?? []);
  const files = [];
  for (const name of chosen) files.push(...((await parts[name].models?.()) ?? []));
  const server = await serveSite(subjects, files, () =>
    Promise.all(chosen.map((name) => parts[name].prepare?.())),
  );
  const browser = await launch();
  try {
    const svg = [join(build, 'reports/growth.svg'), ...(options.save ? [here('growth.svg')] : [])];
    const context = { browser, base: server.url, timing, options, wanted, svg };
    const sections = [surroundings(browser.version())];
    for (const name of Object.keys(parts).filter((name) => chosen.includes(name)))
      await step(name, async () => {
        // A part that fails says so in the report; the others go on.
        const failed = (error) => {
          process.exitCode = 1;
          return [`## ${name}`, `FAILED: ${error.message}`];
        };
        sections.push(...(await parts[name].run(context).catch(failed)));
      });
    return sections;
  } finally {
    await browser.close();
    await server.close();
  }
}

async function inNode() {
  const build = hasRelaxedSimd() ? 'kinglet-relaxed' : 'kinglet-simd';
  const runtimes = list(options.runtimes ?? `${build},ort-web,ort-node`);
  const results = [];
  for (const subject of chooseSubjects(wanted))
    results.push({ ...subject, ...(await timeModelInNode(subject, runtimes, timing)) });
  const [ours, ...others] = runtimes;
  const ratios = others.map((theirs) => ({ title: `faster than ${theirs}`, ours, theirs }));
  return [surroundings(), modelTable(results, runtimes, ratios, { creation: runtimes })];
}

await main(async () => {
  const sections = ['# Benchmark', ...(options.node ? await inNode() : await inBrowser())];
  const text = `${sections.join('\n\n')}\n`;
  await mkdir(join(build, 'reports'), { recursive: true });
  await writeFile(join(build, `reports/bench${options.node ? '-node' : ''}.md`), text);
  if (options.save) await writeFile(here('RESULTS.md'), text);
  console.log(`\n${text}`);
});
