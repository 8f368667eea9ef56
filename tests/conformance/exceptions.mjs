// Cases whose expected values are not what is compared, each with a reason, and what is compared instead.
import { openRuntime } from '../support/runtimes.mjs';
import { isTensor } from '../support/values.mjs';

/**
 * @typedef {Record<string, any>} Values
 * @typedef {{ inputs: Values, outputs: Values, actual: Values, model: Uint8Array }} Run
 * @typedef {object} Exception
 * @property {string[]} cases
 * @property {string} why
 * @property {(actual: any, expected: any) => string | undefined} [mismatch] instead of the usual comparison
 * @property {(run: Run) => Promise<Values> | Values} [judge] gives other expected values
 * @property {(run: Run) => string | undefined} [check] what must hold whatever the values are
 * @property {string} [refused] the code of the error that the case must end in
 */

const suite = (folder, names) => names.split(/\s+/).map((name) => `${folder}/${name}`);

/** What differs between two tensors of floats as integers that follow one another when the floats do. */
function unitsApart(most) {
  const ordered = (bits) => (bits & 0x8000 ? 0x8000 - bits : bits);
  const nan = (bits) => (bits & 0x7fff) > 0x7f80;
  return (actual, expected) => {
    if (actual.type !== expected.type || actual.dims.join() !== expected.dims.join())
      return `${actual.type}[${actual.dims}], expected ${expected.type}[${expected.dims}]`;
    for (const [i, bits] of expected.data.entries()) {
      const other = actual.data[i];
      if (nan(bits) !== nan(other)) return `element ${i}: bits ${other}, expected ${bits}`;
      const apart = nan(bits) ? 0 : Math.abs(ordered(other) - ordered(bits));
      if (apart > most) return `element ${i} is ${apart} units in the last place away`;
    }
    return undefined;
  };
}

/** Differences in units of the largest expected magnitude, as the error of a sum of many terms is. */
function ofLargest(most) {
  return (actual, expected) => {
    if (actual.type !== expected.type || actual.dims.join() !== expected.dims.join())
      return `${actual.type}[${actual.dims}], expected ${expected.type}[${expected.dims}]`;
    const largest = expected.data.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    for (const [i, value] of expected.data.entries())
      if (!(Math.abs(actual.data[i] - value) <= most * largest))
        return `element ${i}: ${actual.data[i]}, expected ${value}`;
    return undefined;
  };
}

let onnxruntime;
async function byOnnxruntime({ model, inputs }) {
  onnxruntime ??= openRuntime('ort-node');
  const session = await (await onnxruntime).create(model);
  try {
    return await session.run(inputs);
  } finally {
    await session.release();
  }
}

/** The specification's formula for the model of node/adam_multiple, with the epsilon that an absent attribute stands for. */
function byAdam({ inputs }) {
  const [alpha, beta, norm, epsilon] = [0.95, 0.85, 0.001, 1e-6].map(Math.fround);
  const value = (name) => inputs[name].data;
  const rate = value('R')[0];
  // T is 0, so that the rate is not corrected for its start.
  const outputs = {};
  for (const i of [1, 2]) {
    const [x, g, v, h] = ['X', 'G', 'V', 'H'].map((name) => value(`${name}${i}`));
    const each = (formula) => ({
      type: 'float32',
      dims: inputs[`X${i}`].dims,
      data: Float32Array.from(x, (_, k) => formula(k)),
    });
    const gradient = (k) => norm * x[k] + g[k];
    const mean = (k) => alpha * v[k] + (1 - alpha) * gradient(k);
    const square = (k) => beta * h[k] + (1 - beta) * gradient(k) ** 2;
    outputs[`X${i}_new`] = each((k) => x[k] - (rate * mean(k)) / (Math.sqrt(square(k)) + epsilon));
    outputs[`V${i}_new`] = each(mean);
    outputs[`H${i}_new`] = each(square);
  }
  return outputs;
}

function zeroOrOne({ actual, outputs }) {
  for (const [name, { type, dims }] of Object.entries(outputs)) {
    const y = actual[name];
    if (!isTensor(y) || y.type !== type || y.dims.join() !== dims.join())
      return `${name} is not ${type}[${dims}]`;
    const other = y.data.find((v) => v !== 0 && v !== 1);
    if (other !== undefined) return `${name} has ${other}`;
  }
  return undefined;
}

function keptOrDropped({ inputs, outputs, actual }) {
  const { x, r } = inputs;
  const { y, z } = actual;
  if (y.type !== x.type || y.dims.join() !== x.dims.join()) return `y is ${y.type}[${y.dims}]`;
  if ('z' in outputs && (z?.type !== 'bool' || z.dims.join() !== x.dims.join())) return 'z is no mask';
  for (const [i, value] of x.data.entries()) {
    const kept = Math.fround(value / (1 - r.data[0]));
    if (y.data[i] !== 0 && Math.abs(y.data[i] - kept) > 1e-6 * Math.abs(kept))
      return `y[${i}] is ${y.data[i]}, not 0 or ${kept}`;
    if (z && Boolean(z.data[i]) !== (y.data[i] !== 0))
      return `z[${i}] does not tell whether y[${i}] was kept`;
  }
  return undefined;
}

/** The expected values are right within a tolerance that is not the runner's. @type {Exception[]} */
const tolerated = [
  {
    cases: suite(
      'node',
      'cast_FLOAT_to_BFLOAT16 castlike_FLOAT_to_BFLOAT16 castlike_FLOAT_to_BFLOAT16_expanded',
    ),
    why: 'the expected values are cut off, where Cast rounds to the nearest even',
    mismatch: unitsApart(1),
  },
  {
    cases: suite('node', 'dft_inverse dft_inverse_opset19'),
    why: 'values that are 0 are expected to be what rounding in float32 left of them',
    mismatch: ofLargest(1e-7),
  },
];

/** The expected values contradict the specification: another judge stands in for them. @type {Exception[]} */
const judged = [
  {
    cases: suite(
      'node',
      'qlinearmatmul_2D_int8_float16 qlinearmatmul_2D_int8_float32 qlinearmatmul_3D_int8_float16 qlinearmatmul_3D_int8_float32',
    ),
    why: 'the expected values wrap where QLinearMatMul saturates',
    judge: byOnnxruntime,
  },
  {
    cases: suite(
      'node',
      'resize_downsample_scales_cubic_align_corners resize_downsample_scales_linear_align_corners',
    ),
    why: 'corners are expected to align with an output of 2.4 columns, where the specification counts whole ones',
    judge: byOnnxruntime,
  },
  {
    cases: suite('node', 'adam_multiple'),
    why: 'the expected values were computed with an epsilon of 0.01 that the model does not have',
    judge: byAdam,
  },
];

/** No expected value is compared with anything. At most 16 cases. @type {Exception[]} */
export const uncompared = [
  {
    cases: suite(
      'node',
      'bernoulli bernoulli_double bernoulli_double_expanded bernoulli_expanded bernoulli_seed bernoulli_seed_expanded',
    ),
    why: "the expected values are NumPy's draws; tests/ops and tests/dtypes have the statistics",
    check: zeroOrOne,
  },
  {
    cases: suite(
      'node',
      'training_dropout training_dropout_default training_dropout_default_mask training_dropout_mask',
    ),
    why: "the expected values are NumPy's draws; tests/ops and tests/dtypes have the statistics",
    check: keptOrDropped,
  },
  {
    cases: suite('simple', 'gradient_of_add gradient_of_add_and_mul'),
    why: 'Gradient, differentiation of a graph while it runs, is not offered',
    refused: 'unsupported_operator',
  },
  {
    cases: suite('node', 'image_decoder_decode_jpeg2k_rgb'),
    why: 'neither sharp nor Chromium decodes JPEG 2000',
    refused: 'unsupported_feature',
  },
];

export const exceptions = [...tolerated, ...judged, ...uncompared];

/** @param {string} name @returns {Exception | undefined} */
export const exceptionOf = (name) => exceptions.find(({ cases }) => cases.includes(name));
