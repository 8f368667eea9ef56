#!/usr/bin/env node
// Kinglet beside onnxruntime-web in Chromium. Writes build/reports/bench.md; --save also writes RESULTS.md here.
//   --models a,b      parts of model names (default: the standard ones)
//   --runtimes a,b    of page/runtimes.js, or with --node of tests/support/runtimes.mjs; the first is compared with the others
//   --rounds N        turns of each runtime (default 7)      --block MS  length of a turn (default 150)
//   --starts N        page starts of each runtime (default 7; 0 leaves them out)
//   --profile         also where each model's time goes, by kernel
//   --memory          also what each runtime holds with each model open
//   --node            under Node instead: onnxruntime-node is the mark of native code
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { main } from '../../.tools/log.mjs';
import { build } from '../../.tools/paths.mjs';
import { hasRelaxedSimd } from '../support/runtimes.mjs';
import { launch, profileModel, timeModel, timeStart } from './browser.mjs';
import { measureMemory } from './memory.mjs';
import { timeModelInNode } from './node.mjs';
import { memoryTable, modelTable, profileTable, sizeTable, startTable, surroundings } from './report.mjs';
import { serveSite } from './site.mjs';
import { measureSizes } from './sizes.mjs';
import { chooseSubjects } from './subjects.mjs';

const { values: options } = parseArgs({
  options: {
    models: { type: 'string', default: '' },
    runtimes: { type: 'string' },
    rounds: { type: 'string', default: '7' },
    block: { type: 'string', default: '150' },
    starts: { type: 'string', default: '7' },
    node: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    memory: { type: 'boolean', default: false },
    save: { type: 'boolean', default: false },
  },
});
const list = (text) => text.split(',').filter(Boolean);
const subjects = chooseSubjects(list(options.models));
const timing = { rounds: Number(options.rounds), block: Number(options.block) };

/** A model that fails has its failure in the table; the others go on. */
async function each(time) {
  const results = [];
  for (const subject of subjects) {
    const { name, shape } = subject;
    const result = await time(subject).catch((error) => ({ error: error.message }));
    results.push({ name, shape, ...result });
    console.log(
      `  ${name} ${shape}: ${
        result.error ??
        Object.entries(result.times)
          .map(([runtime, { median }]) => `${runtime} ${median.toFixed(2)} ms`)
          .join(', ')
      }`,
    );
  }
  return results;
}

async function inBrowser() {
  const runtimes = list(options.runtimes ?? 'kinglet,onnxruntime-web');
  const server = await serveSite(subjects);
  const browser = await launch();
  try {
    const results = await each(async (subject) => {
      const result = await timeModel(browser, server.url, subject, runtimes, timing);
      if (options.profile) result.profile = await profileModel(browser, server.url, subject);
      if (options.memory) {
        result.bytes = (await stat(await subject.path())).size;
        result.memory = {};
        for (const runtime of runtimes)
          result.memory[runtime] = await measureMemory(browser, server.url, subject, runtime);
      }
      return result;
    });
    const starts =
      Number(options.starts) > 0
        ? await timeStart(browser, server.url, runtimes, Number(options.starts))
        : undefined;
    return [
      `${surroundings(browser.version())} Runtimes take turns in one page; milliseconds are medians ± half the quartile distance.`,
      modelTable(results, runtimes),
      ...(options.profile
        ? [
            '## Where the time goes',
            'Milliseconds of one run in the page itself, by kernel: the first three and all of one percent or more.',
            profileTable(results),
          ]
        : []),
      ...(options.memory
        ? [
            '## Memory (MB)',
            'A page of its own for each runtime: WebAssembly memory, which never shrinks, and what JavaScript holds after two runs and a collection.',
            memoryTable(results, runtimes),
          ]
        : []),
      ...(starts
        ? [
            '## Page start to first result, 26 kB model (ms)',
            'Cold: nothing cached. Warm: files in the HTTP cache.',
            startTable(starts),
          ]
        : []),
      '## Bytes',
      sizeTable(await measureSizes()),
    ];
  } finally {
    await browser.close();
    await server.close();
  }
}

async function inNode() {
  const build = hasRelaxedSimd() ? 'kinglet-relaxed' : 'kinglet-simd';
  const runtimes = list(options.runtimes ?? `${build},ort-web,ort-node`);
  const results = await each((subject) => timeModelInNode(subject, runtimes, timing));
  return [surroundings(), modelTable(results, runtimes)];
}

await main(async () => {
  const sections = ['# Benchmark', ...(options.node ? await inNode() : await inBrowser())];
  const text = `${sections.join('\n\n')}\n`;
  await mkdir(join(build, 'reports'), { recursive: true });
  await writeFile(join(build, `reports/bench${options.node ? '-node' : ''}.md`), text);
  if (options.save) await writeFile(fileURLToPath(new URL('RESULTS.md', import.meta.url)), text);
  console.log(`\n${text}`);
});
