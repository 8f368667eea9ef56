// One operator as a model, run by onnxruntime-node and by both builds of Kinglet.
import assert from 'node:assert/strict';
import { mismatch, numbers } from '../support/compare.mjs';
import { writeModel } from '../support/onnx.mjs';
import { randomNumbers } from '../support/random.mjs';
import { hasRelaxedSimd, openRuntime } from '../support/runtimes.mjs';
import { dtypes } from '../support/values.mjs';

const numberOf = (type) => dtypes.findIndex((row) => row?.name === type);
const count = (dims) => dims.reduce((product, extent) => product * extent, 1);

let random = randomNumbers(1);
/** Starts the numbers of a case anew. */
export const seed = (number) => {
  random = randomNumbers(number);
};

const ranges = { int8: [-128, 255], uint8: [0, 255], int16: [-32768, 65535], uint16: [0, 65535] };
const float16Bits = (value) => {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  const exponent = ((bits >> 23) & 255) - 112;
  assert.ok(value === 0 || (exponent > 0 && exponent < 31), `${value} is no normal half`);
  return value === 0 ? 0 : ((bits >> 16) & 0x8000) | (exponent << 10) | ((bits >> 13) & 0x3ff);
};

/** A tensor of given numbers. `constant` makes it an initializer. */
export function tensor(type, dims, values, constant = false) {
  const { array, bits } = dtypes[numberOf(type)];
  let data;
  if (type === 'float16') data = Uint16Array.from(values, float16Bits);
  else if (bits < 8) {
    data = new Uint8Array(Math.ceil((count(dims) * bits) / 8));
    for (const [i, v] of [...values].entries())
      data[(i * bits) >> 3] |= (v & ((1 << bits) - 1)) << ((i * bits) & 7);
  } else data = array.from(values, array === BigInt64Array ? BigInt : Number);
  return { type, dims, data, constant };
}
/** Random numbers: whole ones over the range of the type, or floats in [-range, range]. */
export function any(type, dims, { constant = false, range = 4, low, high } = {}) {
  const values = Array.from({ length: count(dims) }, () => {
    if (low !== undefined) return low + Math.floor(random() * (high - low + 1));
    const [from, extent] = ranges[type] ?? [0, 0];
    return extent ? from + Math.round(random() * extent) : (2 * random() - 1) * range;
  });
  return tensor(type, dims, values, constant);
}
export const weights = (type, dims, options) => any(type, dims, { ...options, constant: true });
export const scalar = (type, value, constant = true) => tensor(type, [], [value], constant);
/** Positive scales. */
export const scales = (type, dims, about = 0.01) =>
  tensor(
    type,
    dims,
    Array.from({ length: count(dims) }, () => about * (0.5 + random())),
    true,
  );

function attribute([name, value]) {
  if (Array.isArray(value)) return { name, ints: value, type: 7 };
  if (typeof value === 'string') return { name, s: new TextEncoder().encode(value), type: 3 };
  if (value instanceof Number) return { name, f: Number(value), type: 1 };
  return { name, i: value, type: 2 };
}
/** A float attribute; plain numbers are integers. */
export const float = (value) => new Number(value);

const bytes = (data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/**
 * @param {{ op: string, domain?: string, opset?: number, inputs: (object | null)[], outputs: string[], attributes?: object,
 *   nodes?: object[] }} spec `inputs` in order; `outputs` their types
 */
export function operatorModel({ op, domain = '', opset = 21, inputs, outputs, attributes = {} }) {
  const names = inputs.map((input, i) => (input ? `in${i}` : ''));
  const value = (name, type, dims) => ({
    name,
    type: {
      tensor_type: {
        elem_type: numberOf(type),
        ...(dims && { shape: { dim: dims.map((dim_value) => ({ dim_value })) } }),
      },
    },
  });
  // onnxruntime-node cannot hand out all types.
  const wide = outputs.map((type) => type?.replace('int4', 'int8').replace(/^float8.*/, 'float32'));
  const casts = outputs.flatMap((type, i) =>
    type === wide[i]
      ? []
      : [
          {
            op_type: 'Cast',
            input: [`narrow${i}`],
            output: [`out${i}`],
            attribute: [attribute(['to', numberOf(wide[i])])],
          },
        ],
  );
  const given = inputs.map((input, i) => ({ ...input, name: names[i] })).filter(({ name }) => name);
  return writeModel({
    ir_version: 10,
    opset_import: [
      { domain: '', version: opset },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph: {
      name: 'g',
      node: [
        {
          op_type: op,
          domain,
          input: names,
          output: outputs.map((type, i) => (type ? `${type === wide[i] ? 'out' : 'narrow'}${i}` : '')),
          attribute: Object.entries(attributes).map(attribute),
        },
        ...casts,
      ],
      input: given.filter(({ constant }) => !constant).map(({ name, type, dims }) => value(name, type, dims)),
      output: wide.flatMap((type, i) => (type ? [value(`out${i}`, type)] : [])),
      initializer: given
        .filter(({ constant }) => constant)
        .map(({ name, type, dims, data }) => ({
          dims,
          data_type: numberOf(type),
          name,
          raw_data: bytes(data),
        })),
    },
  });
}

const builds = ['kinglet-simd', ...(hasRelaxedSimd() ? ['kinglet-relaxed'] : [])];

async function outputsOf(runtime, model, feeds) {
  const session = await (await openRuntime(runtime)).create(model);
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** Differences of whole numbers up to `steps`, and how many of them are not zero. */
function stepsApart(actual, expected) {
  assert.deepEqual([actual.type, [...actual.dims]], [expected.type, [...expected.dims]]);
  let most = 0;
  let apart = 0;
  for (const [i, value] of expected.data.entries()) {
    const d = Math.abs(value - actual.data[i]);
    most = Math.max(most, d);
    if (d !== 0) apart++;
  }
  return { most, apart };
}

/**
 * Checks both builds against onnxruntime-node, or against `expected`.
 * @param {object} spec as operatorModel's; `steps`: how far quantised outputs may be apart, in at most one of 50
 *   elements (and one); `rtol`, `atol` for floats
 */
export async function check(spec) {
  const model = spec.model ?? operatorModel(spec);
  const feeds = Object.fromEntries(
    spec.inputs.flatMap((input, i) => (input && !input.constant ? [[`in${i}`, input]] : [])),
  );
  const expected = spec.expected ?? (await outputsOf('ort-node', model, feeds));
  for (const build of builds) {
    const actual = await outputsOf(build, model, feeds);
    assert.deepEqual(Object.keys(actual), Object.keys(expected));
    for (const [name, want] of Object.entries(expected)) {
      const got = actual[name];
      if (want.type.startsWith('float') || !spec.steps) {
        const { rtol = 2e-6, atol = 2e-6 } = spec;
        assert.equal(mismatch(got, want, { rtol, atol }), undefined, `${build} ${name}`);
        continue;
      }
      const { most, apart } = stepsApart(got, want);
      assert.ok(
        most <= spec.steps && apart <= 1 + want.data.length / 50,
        `${build} ${name}: ${apart} of ${want.data.length} elements differ, by up to ${most}`,
      );
    }
  }
  return { expected, numbers };
}
