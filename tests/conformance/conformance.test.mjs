import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fetchTestdata } from '../../.tools/testdata.mjs';
import { mismatch } from '../support/compare.mjs';
import { caseNames, readCase } from './cases.mjs';
import { exceptions, uncompared } from './exceptions.mjs';
import { readPassing } from './lists.mjs';
import { runCases } from './runner.mjs';

before(fetchTestdata);

for (const runtime of ['kinglet-simd', 'kinglet-relaxed']) {
  test(`ONNX test data on ${runtime}`, async (t) => {
    const names = await caseNames();
    const passing = await readPassing();
    const results = await runCases(runtime, names);
    const having = (...verdicts) => names.filter((name) => verdicts.includes(results.get(name).verdict));
    const told = (list) => list.map((name) => `${name}: ${results.get(name)?.message}`).join('\n');

    const wild = having('untyped', 'crash', 'hang');
    assert.equal(wild.length, 0, `a case must end in a result or a typed error:\n${told(wild)}`);
    const lost = passing.filter((name) => results.get(name)?.verdict !== 'pass');
    assert.equal(lost.length, 0, `listed in passing.txt, but failing:\n${told(lost)}`);
    const listed = new Set(passing);
    const gained = having('pass').filter((name) => !listed.has(name));
    t.diagnostic(`${having('pass').length} of ${names.length} cases pass`);
    if (gained.length > 0)
      t.diagnostic(`${gained.length} more than passing.txt lists: node tests/conformance/main.mjs --update`);
  });
}

describe('the runner', () => {
  test('calls planted defects by their names', async () => {
    const planted = fileURLToPath(new URL('planted.mjs', import.meta.url));
    const expected = {
      'node/abs': 'pass',
      'node/ceil': 'mismatch',
      'node/cos': 'mismatch',
      'node/exp': 'refused',
      'node/floor': 'untyped',
      'node/neg': 'crash',
      'node/sin': 'hang',
    };
    const results = await runCases(planted, Object.keys(expected), { processes: 1, timeout: 1500 });
    const verdicts = Object.fromEntries([...results].map(([name, { verdict }]) => [name, verdict]));
    assert.deepEqual(verdicts, expected);
  });

  test('exceptions have reasons and are few, and every listed case exists', async () => {
    const names = new Set(await caseNames());
    for (const name of await readPassing()) assert.ok(names.has(name), `${name} is not in the data`);
    const excepted = exceptions.flatMap(({ cases }) => cases);
    for (const name of excepted) assert.ok(names.has(name), `${name} is not in the data`);
    assert.equal(new Set(excepted).size, excepted.length);
    for (const { why } of exceptions) assert.ok(why.length > 20);
    assert.ok(uncompared.flatMap(({ cases }) => cases).length <= 16);
  });

  test('an exception still sees what is wrong', async () => {
    const changed = (values, change) =>
      Object.fromEntries(
        Object.entries(values).map(([name, tensor]) => {
          const data = tensor.data.slice();
          change(data);
          return [name, { ...tensor, data }];
        }),
      );
    for (const { cases, judge, check, mismatch: compare = mismatch, refused } of exceptions) {
      if (refused) continue;
      for (const name of cases) {
        const { model, sets } = await readCase(name);
        for (const { inputs, outputs } of sets) {
          const right = judge ? await judge({ model, inputs, outputs, actual: outputs }) : outputs;
          const differs = (actual) =>
            check
              ? check({ model, inputs, outputs, actual })
              : Object.keys(outputs).some((key) => compare(actual[key], right[key]));
          assert.ok(!differs(right), name);
          // A number that is off by little, and one that is not there.
          const last = (data) => data.findLastIndex((v) => v !== 0);
          const off = changed(right, (data) => {
            data[last(data)] += Number.isInteger(data[last(data)]) ? 2 : data[last(data)] * 2e-3;
          });
          assert.ok(differs(off), `${name}: a wrong number`);
          const short = Object.fromEntries(
            Object.entries(right).map(([key, tensor]) => [key, { ...tensor, dims: [...tensor.dims, 1] }]),
          );
          assert.ok(differs(short), `${name}: a wrong shape`);
        }
      }
    }
  });
});
