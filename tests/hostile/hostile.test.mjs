import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tryCorpus } from './corpus.mjs';
import { hostileModels } from './native.mjs';
import { tryMutations } from './runner.mjs';

test('changed copies of all conformance models, natively under the sanitizers', async (t) => {
  const { passed, summary, text } = await hostileModels(['--count', '4000', '--seed', '7']);
  t.diagnostic(summary);
  assert.ok(passed, text.slice(-4000));
});

test('changed copies of all conformance models on simd', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
  try {
    await hostileModels(['--count', '500', '--seed', '11', '--write', folder]);
    const { total, ran, refused, failures } = await tryCorpus('simd', folder);
    t.diagnostic(`${total} copies: ${ran} ran; refused: ${JSON.stringify(refused)}`);
    assert.deepEqual(
      failures.map(({ detail }) => detail),
      [],
    );
    assert.ok(total === 500 && ran > 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

for (const targets of ['ppocr-cls', 'silero-16k']) {
  for (const variant of ['simd', 'relaxed']) {
    test(`damaged copies of ${targets} on ${variant}`, async (t) => {
      const { total, ran, skipped, refused, slowest, failures } = await tryMutations(variant, targets);
      const codes = Object.entries(refused).map(([code, count]) => `${code} ${count}`);
      t.diagnostic(
        `${total} copies: ${ran} ran, ${skipped} skipped; refused: ${codes.join(', ')}; slowest ${slowest.toFixed(0)} ms`,
      );
      const told = failures.map(({ detail }) => detail);
      assert.equal(told.length, 0, `${told.length} failures:\n${told.slice(0, 20).join('\n')}`);
      assert.ok(ran > 0 && codes.length > 0, 'both outcomes must occur');
    });
  }
}

test('planted traps, leaks, crashes and hangs are failures, and the next copy is still tried', async () => {
  const worker = fileURLToPath(new URL('planted.mjs', import.meta.url));
  const summary = await tryMutations('simd', 'planted', { worker, limit: 500 });
  assert.equal(summary.total, 8);
  assert.equal(summary.ran, 1);
  assert.deepEqual(summary.refused, { invalid_model: 2 });
  const failures = Object.fromEntries(summary.failures.map(({ index, detail }) => [index, detail]));
  assert.deepEqual(Object.keys(failures), ['1', '3', '4', '5', '6']);
  assert.match(failures[1], /unreachable/);
  assert.match(failures[3], /left behind/);
  assert.match(failures[4], /ended with SIGABRT/);
  assert.match(failures[5], /no end after/);
  assert.match(failures[6], /took/);
});
