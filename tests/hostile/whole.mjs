// The whole of it: node tests/hostile/whole.mjs [--count 100000] [--wasm 5000] [--seed 1]. Two native processes under the
// sanitizers, then the wasm builds. Minutes; prints what each gives.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tryCorpus } from './corpus.mjs';
import { hostileModels } from './native.mjs';

const text = (value) => /** @type {const} */ ({ type: 'string', default: value });
const { values } = parseArgs({ options: { count: text('100000'), wasm: text('5000'), seed: text('1') } });
const { seed } = values;

const parts = ['0/2', '1/2'].map((part) =>
  hostileModels(['--count', values.count, '--seed', seed, '--part', part]),
);
for (const { passed, text, summary } of await Promise.all(parts)) {
  console.log(passed ? summary : text);
  if (!passed) process.exitCode = 1;
}
const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
try {
  await hostileModels(['--count', values.wasm, '--seed', String(Number(seed) + 1), '--write', folder]);
  for (const variant of /** @type {const} */ (['simd', 'relaxed'])) {
    const { total, ran, refused, slowest, failures } = await tryCorpus(variant, folder);
    for (const { detail } of failures) console.log(detail);
    const codes = Object.entries(refused).map(([code, count]) => `${code} ${count}`);
    console.log(
      `${variant}: ${total} copies: ${ran} ran; refused: ${codes.join(', ')}; slowest ${slowest.toFixed(0)} ms; ${failures.length} failed`,
    );
    if (failures.length) process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true });
}
