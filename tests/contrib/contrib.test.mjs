// Every row on onnxruntime-node and on Kinglet's builds, the same bytes, through the public API.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mismatch } from '../support/compare.mjs';
import { openRuntime } from '../support/runtimes.mjs';
import { rows as attention } from './attention.rows.mjs';
import { caseModel } from './model.mjs';
import { rows as other } from './other.rows.mjs';
import { refused } from './refused.rows.mjs';

const rows = [...attention, ...other];

/** @returns {Promise<Record<string, any>>} outputs by name */
async function runRow(runtime, row, options) {
  const { bytes, feeds } = caseModel(row);
  const session = await runtime.create(bytes, options);
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/**
 * What the row's outputs must be: onnxruntime-node's, given what is in `judged` instead, or `expected` where it lacks the
 * operator or the form.
 */
async function expectedOf(row, judge) {
  if (row.expected) return row.expected(row);
  const outputs = await runRow(judge, { ...row, ...row.judged }, { graphOptimizationLevel: 'disabled' });
  if (!row.hidden) return outputs;
  // onnxruntime-node has the lowest number where the specification has -infinity.
  const { type, dims, data } = outputs[row.hidden];
  return { ...outputs, [row.hidden]: { type, dims, data: data.map((x) => (x < -3e38 ? -Infinity : x)) } };
}

function differences(row, results, expected) {
  const rtol = row.rtol ?? 2e-5;
  const atol = row.atol ?? 2e-6;
  return Object.entries(expected).flatMap(([name, value]) => {
    if (row.ignore?.includes(name)) return [];
    const found = mismatch(results[name], value, { rtol, atol });
    return found ? [`${name}: ${found}`] : [];
  });
}

const wanted = process.env.KINGLET_ROWS ? new RegExp(process.env.KINGLET_ROWS) : /./;

for (const name of ['kinglet-simd', 'kinglet-relaxed']) {
  describe(name, async () => {
    const judge = await openRuntime('ort-node');
    for (const row of rows.filter((row) => wanted.test(`${row.op} ${row.name}`))) {
      test(`${row.op}: ${row.name}`, async () => {
        const runtime = await openRuntime(name);
        const expected = await expectedOf(row, judge);
        const results = await runRow(runtime, row, { worker: false });
        assert.deepEqual(differences(row, results, expected), []);
      });
    }
  });
}

describe('refused with a typed error', () => {
  for (const row of refused.filter((row) => wanted.test(`${row.op} ${row.name}`))) {
    test(`${row.op}: ${row.name}`, async () => {
      const runtime = await openRuntime('kinglet-simd');
      const error = await runRow(runtime, row, { worker: false }).then(
        () => undefined,
        (reason) => reason,
      );
      assert.equal(runtime.typed(error), row.code, `${error}`);
    });
  }
});

test('every name is used once', () => {
  const names = rows.map((row) => `${row.domain ?? 'com.microsoft'} ${row.op} ${row.name}`);
  assert.deepEqual(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  );
});

test('a planted difference is seen', async () => {
  const row = rows[0];
  const expected = await expectedOf(row, await openRuntime('ort-node'));
  const results = structuredClone(
    Object.fromEntries(
      Object.entries(expected).map(([k, { type, dims, data }]) => [k, { type, dims, data }]),
    ),
  );
  assert.deepEqual(differences(row, results, expected), []);
  results.o0.data[1] += 1e-3;
  assert.equal(differences(row, results, expected).length, 1);
});
