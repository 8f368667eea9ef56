import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readSubject, subjects } from '../models/subjects.mjs';
import { mutationsOf, describe as words } from './mutations.mjs';
import { tryMutations } from './runner.mjs';

for (const name of ['ppocr-cls', 'silero-16k']) {
  for (const variant of ['simd', 'relaxed']) {
    test(`damaged copies of ${name} on ${variant}`, async (t) => {
      const summary = await tryMutations(variant, name);
      const mutations = mutationsOf(await readSubject(subjects.find((subject) => subject.name === name)));
      const told = summary.failures.map(({ index, detail }) => `${words(mutations[index])}: ${detail}`);
      const refused = Object.entries(summary.refused).map(([code, count]) => `${code} ${count}`);
      t.diagnostic(
        `${summary.total} copies: ${summary.ran} ran, refused: ${refused.join(', ')}; slowest ${summary.slowest.toFixed(0)} ms`,
      );
      assert.equal(told.length, 0, `${told.length} failures:\n${told.slice(0, 20).join('\n')}`);
      assert.ok(summary.ran > 0 && refused.length > 0, 'both outcomes must occur');
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
