// Changed copies that hostile_models has written into a folder, opened and run in a wasm build. Each must end in a result or a
// typed error within two seconds, leave nothing behind, and keep to 256 MB and four times its file.
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tryMutations } from './runner.mjs';

const worker = fileURLToPath(new URL('corpus-worker.mjs', import.meta.url));

/**
 * A run without end is ended from outside, as a page ends its worker (wasm/decisions/0005). It counts as refused with `cancelled` when
 * the build with threads, which can be told to stop, ends it so.
 * @param {'simd' | 'relaxed'} variant
 * @param {string} folder
 */
export async function tryCorpus(variant, folder) {
  const summary = await tryMutations(variant, folder, { worker });
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.onnx'))
    .sort();
  const failures = [];
  for (const failure of summary.failures) {
    if (
      failure.detail.includes('no end after') &&
      (await cancels(variant, join(folder, names[failure.index])))
    )
      summary.refused.cancelled = (summary.refused.cancelled ?? 0) + 1;
    else failures.push(failure);
  }
  return { ...summary, failures };
}

async function cancels(variant, file) {
  const folder = mkdtempSync(join(dirname(file), 'endless-'));
  try {
    copyFileSync(file, join(folder, 'copy.onnx'));
    const { refused } = await tryMutations(`${variant}-threads`, folder, { worker });
    return refused.cancelled === 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
