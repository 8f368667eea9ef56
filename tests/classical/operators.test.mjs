import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { hasRelaxedSimd } from '../support/runtimes.mjs';
import { cases } from './cases.mjs';
import { expectedOf, fault } from './judge.mjs';

const expected = new Map();
before(async () => {
  for (const parts of cases) expected.set(parts, await expectedOf(parts));
});

for (const runtime of ['kinglet-simd', ...(hasRelaxedSimd() ? ['kinglet-relaxed'] : [])]) {
  test(`ai.onnx.ml on ${runtime} gives what onnxruntime-node gives`, async () => {
    const faults = [];
    for (const parts of cases) {
      const found = await fault(runtime, parts, expected.get(parts)).catch((error) => `${error}`);
      if (found) faults.push(`${parts.name}: ${found}`);
    }
    assert.deepEqual(faults, []);
  });
}
