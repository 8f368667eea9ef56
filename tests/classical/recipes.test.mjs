import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { hasRelaxedSimd, openRuntime } from '../support/runtimes.mjs';
import { difference, rowOf, train, trained } from './recipes.mjs';

let models;
before(async () => {
  await train();
  models = await trained();
});

for (const runtime of ['kinglet-simd', ...(hasRelaxedSimd() ? ['kinglet-relaxed'] : [])]) {
  describe(`classical models on ${runtime}`, () => {
    test('labels are those of scikit-learn, numbers within 1e-5, on all rows at once', async () => {
      const faults = [];
      for (const { name, bytes, inputs, expected } of models) {
        const session = await (await openRuntime(runtime)).create(bytes);
        const found = difference(await session.run(inputs), expected);
        if (found) faults.push(`${name}: ${found}`);
        await session.release();
      }
      assert.deepEqual(faults, []);
    });

    test('single rows give what they give among all', async () => {
      const faults = [];
      for (const { name, bytes, rows, inputs, expected } of models) {
        if (!rows) continue;
        const session = await (await openRuntime(runtime)).create(bytes);
        const [{ dims }] = Object.values(inputs);
        const each = (values, i) =>
          Object.fromEntries(Object.entries(values).map(([key, value]) => [key, rowOf(value, i)]));
        for (let i = 0; i < dims[0]; i += Math.ceil(dims[0] / 7)) {
          const found = difference(await session.run(each(inputs, i)), each(expected, i));
          if (found) faults.push(`${name}, row ${i}: ${found}`);
        }
        await session.release();
      }
      assert.deepEqual(faults, []);
    });
  });
}

test('every family is there', () => {
  assert.ok(models.length >= 44, `${models.length} models`);
  const rows = models.reduce((sum, { inputs }) => sum + (Object.values(inputs)[0].dims[0] ?? 1), 0);
  assert.ok(rows > 15000, `${rows} rows`);
});

test('a planted difference is seen', () => {
  const { expected } = models.find(({ name }) => name === 'decision-tree');
  const off = structuredClone(expected);
  off.probabilities.data[5] += 2e-5;
  assert.match(difference(off, expected), /^probabilities\[5\]/);
  const other = structuredClone(expected);
  other.label.data[7] = 'rose';
  assert.match(difference(other, expected), /^label\[7\] is rose/);
});
