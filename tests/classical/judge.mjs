import { mismatch } from '../support/compare.mjs';
import { runCase } from './node.mjs';

/** What onnxruntime-node says to a case, corrected where the case says so. */
export async function expectedOf({ judge, label, ...parts }) {
  const expected = [...(await runCase('ort-node', { ...parts, ...judge }))];
  if (!label) return expected;
  const [{ type, dims }, { data, dims: shape }] = expected;
  const labels = Array.from({ length: dims[0] }, (_, row) => {
    const scores = data.subarray(row * shape[1], (row + 1) * shape[1]);
    return BigInt(label(scores.indexOf(Math.max(...scores)), scores));
  });
  return [{ type, dims, data: BigInt64Array.from(labels) }, expected[1]];
}

/** What differs on a runtime, in words, or undefined. */
export async function fault(runtime, parts, expected) {
  const actual = await runCase(runtime, parts);
  return mismatch([...actual], expected, parts);
}
