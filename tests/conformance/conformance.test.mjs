import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fetchTestdata } from '../../.tools/testdata.mjs';
import { caseNames } from './cases.mjs';
import { readPassing, readSkips } from './lists.mjs';
import { runCases } from './runner.mjs';

before(fetchTestdata);

for (const runtime of ['kinglet-simd', 'kinglet-relaxed']) {
  test(`ONNX test data on ${runtime}`, async (t) => {
    const skip = await readSkips();
    const names = (await caseNames()).filter((name) => !skip(name));
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

  test('a skip has a reason, and every listed case exists', async () => {
    const skip = await readSkips();
    const names = new Set(await caseNames());
    for (const name of await readPassing()) {
      assert.ok(names.has(name), `${name} is in passing.txt, but not in the data`);
      assert.equal(skip(name), undefined, `${name} is listed as passing and as skipped`);
    }
  });
});
