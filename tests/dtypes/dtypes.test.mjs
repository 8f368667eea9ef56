import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createEngine } from '../support/engine.mjs';
import { groupsOf, heldBy, table } from './cases.mjs';
import { coverage, writeReport } from './coverage.mjs';
import { difference } from './difference.mjs';
import { elsewhere, refused } from './exceptions.mjs';
import { judge, numpyResults } from './judges.mjs';
import { decode, encode, ulp } from './narrow.mjs';
import { runGroups } from './runner.mjs';
import { readOperator } from './signature.mjs';
import { specification } from './specification.mjs';

const others = new Set(Object.values(elsewhere).flatMap((names) => names.split(' ')));
const { abi } = await createEngine('simd');
const operators = abi
  .operators()
  .trim()
  .split('\n')
  .map(readOperator)
  .filter(({ domain }) => domain === 'ai.onnx');
const ours = operators.filter(({ op }) => table[op]);

describe('element types of ai.onnx', () => {
  const judged = ours.flatMap(groupsOf);
  const groups = judged.flatMap((group) => [group, ...heldBy(group)]);
  const cases = groups.flat();
  /** @type {Map<object, import('./judges.mjs').Verdict>} */
  let verdicts;
  const results = {};

  before(async () => {
    const runs = ['kinglet-simd', 'kinglet-relaxed'].map(async (runtime) => {
      results[runtime] = await runGroups(runtime, groups);
    });
    [verdicts] = await Promise.all([judge(judged), ...runs]);
  });

  test('every operator has a row', () => {
    const without = operators.map(({ op }) => op).filter((op) => !table[op] && !others.has(op));
    assert.deepEqual(without, [], 'add rows in tests/dtypes/table');
  });

  for (const runtime of ['kinglet-simd', 'kinglet-relaxed']) {
    test(`${runtime} agrees with the judges`, (t) => {
      const wrong = [];
      for (const item of cases) {
        const verdict = verdicts.get(item.same ?? item);
        const found = verdict ? compared(results[runtime].get(item), item, verdict) : 'nobody can judge it';
        if (found) wrong.push(`${described(item)}: ${found} (${verdict?.by})`);
      }
      t.diagnostic(`${cases.length - wrong.length} of ${cases.length} cases agree`);
      assert.equal(wrong.length, 0, `${wrong.length} differ:\n${wrong.slice(0, 40).join('\n')}`);
    });
  }

  test('the judges agree where both can judge', async (t) => {
    const both = judged.flat().filter((item) => verdicts.get(item)?.by === 'onnxruntime');
    const computed = await numpyResults(both);
    const wrong = [];
    for (const [i, item] of both.entries()) {
      if (!computed[i]) continue;
      // onnxruntime rounds half floats more than once here and there.
      const options = item.outputs.includes('float16') && !item.exact ? { ...item, ulps: 2 } : item;
      const found = verdicts
        .get(item)
        .outputs.map((value, k) => difference(computed[i][k], value, options))
        .find(Boolean);
      if (found) wrong.push(`${described(item)}: ${found}`);
    }
    t.diagnostic(`${both.length} cases, ${computed.filter(Boolean).length} with a recipe`);
    assert.deepEqual(wrong, []);
  });

  test('every type of every signature is reached', async () => {
    const { rows, missing } = coverage(ours, judged.flat(), verdicts);
    const counts = {};
    for (const { by } of verdicts.values()) counts[by] = (counts[by] ?? 0) + 1;
    await writeReport(rows, counts);
    assert.deepEqual(missing, []);
  });

  test('signatures allow what the specification allows', async () => {
    const program = fileURLToPath(new URL('reference/schemas.py', import.meta.url));
    const { stdout } = await promisify(execFile)('/usr/bin/python3', [program], { maxBuffer: 1 << 24 });
    const schemas = JSON.parse(stdout);
    const lacking = [];
    for (const operator of ours) {
      for (const side of ['inputs', 'outputs']) {
        for (const [i, port] of operator[side].entries()) {
          if (port.any) continue;
          const claimed = new Set(operator.variables[port.variable] ?? port.types);
          const wanted = specification[operator.op]?.[side][i] ?? schemas[operator.op]?.[side][i] ?? [];
          const left = wanted.filter(
            (type) => !claimed.has(type) && !refused[operator.op]?.types.includes(type),
          );
          if (left.length > 0) lacking.push(`${operator.op} ${port.name}: ${[...new Set(left)]}`);
        }
      }
    }
    assert.deepEqual(lacking, []);
  });
});

function compared(result, item, verdict) {
  if (!result?.outputs) return `${result?.code ?? 'no typed error'}: ${result?.failure}`;
  if (item.check) return item.check(result.outputs);
  for (const [k, type] of item.outputs.entries()) {
    const found = type === '' ? undefined : difference(result.outputs[k], verdict.outputs[k], item);
    if (found) return `output ${k}: ${found}`;
  }
  return undefined;
}

function described({ op, types, inputs, attributes, constants }) {
  const shapes = inputs.map((value) => (Array.isArray(value) ? 'sequence' : value ? `[${value.dims}]` : '-'));
  const short = (key, value) => (key === 'data' ? undefined : value);
  const held = constants ? ` constants ${constants}` : '';
  return `${op}${held} ${Object.entries(types).map(([name, type]) => `${name}=${type}`)} ${shapes} ${JSON.stringify(attributes ?? {}, short)}`;
}

describe('the suite itself', () => {
  const float = (...values) => ({ type: 'float32', dims: [values.length], data: Float32Array.from(values) });

  test('tells results apart', () => {
    assert.equal(difference(float(1, Number.NaN), float(1, Number.NaN)), undefined);
    assert.match(difference(float(1.001), float(1)), /element 0/);
    assert.match(difference(float(0), float(-0), { exact: true }), /byte 3/);
    assert.match(difference(float(1), { type: 'float64', dims: [1], data: Float64Array.of(1) }), /type/);
    assert.match(difference(float(1), { ...float(1), dims: [1, 1] }), /shape/);
    assert.match(difference(undefined, float(1)), /nothing/);
    const half = (...codes) => ({ type: 'float16', dims: [codes.length], data: Uint16Array.from(codes) });
    assert.equal(difference(half(0x3c01), half(0x3c00)), undefined);
    assert.match(difference(half(0x3c02), half(0x3c00)), /element 0/);
  });

  test('narrow floats go to codes and back', () => {
    const types = ['float16', 'bfloat16', 'float8e4m3fn', 'float8e4m3fnuz', 'float8e5m2', 'float8e5m2fnuz'];
    for (const type of types) {
      const size = /16$/.test(type) ? 65536 : 256;
      const codes = (size > 256 ? Uint16Array : Uint8Array).from({ length: size }, (_, i) => i);
      const values = decode(type, codes);
      for (const [code, value] of values.entries())
        if (Number.isFinite(value)) assert.equal(encode(type, value), code, `${type} ${code}`);
    }
    assert.equal(encode('float16', 1 + 2 ** -11), 0x3c00);
    assert.equal(encode('float16', 1 + 3 * 2 ** -11), 0x3c02);
    assert.equal(encode('float16', 65520), 0x7c00);
    assert.equal(ulp('float16', 1), 2 ** -10);
    assert.equal(ulp('bfloat16', -3), 2 ** -6);
  });
});
