// A case is one node as a model of its own: inputs are graph inputs or, where a row says so, initializers.
import { writeModel } from '../support/onnx.mjs';
import { randomNumbers } from '../support/random.mjs';
import { dtypes } from '../support/values.mjs';

const numberOf = (type) => dtypes.findIndex((row) => row?.name === type);
const size = (dims) => dims.reduce((a, b) => a * b, 1);

const half = new Float32Array(1);
const halfBits = new Uint32Array(half.buffer);

/** Nearest float16 of a number of moderate size. */
function toHalf(value) {
  half[0] = value;
  const bits = halfBits[0];
  const exponent = ((bits >> 23) & 255) - 112;
  if (exponent <= 0) return (bits >> 16) & 0x8000;
  const rounded = ((exponent << 10) | ((bits >> 13) & 1023)) + ((bits >> 12) & 1);
  return ((bits >> 16) & 0x8000) | rounded;
}

/** A tensor of given numbers. */
export function tensor(type, dims, values) {
  if (type === 'string') return { type, dims, data: values };
  const { array } = dtypes[numberOf(type)];
  const convert = type.includes('int64') ? BigInt : type === 'float16' ? toHalf : Number;
  return { type, dims, data: array.from(values, convert) };
}

/** Reproducible numbers in [low, high); `seed` tells tensors apart. */
export function noise(dims, { type = 'float32', seed = 1, low = -1, high = 1 } = {}) {
  const next = randomNumbers(seed);
  const values = Array.from({ length: size(dims) }, () => low + (high - low) * next());
  return tensor(type, dims, type.includes('int') || type === 'bool' ? values.map(Math.floor) : values);
}

export const ints = (values, type = 'int64', dims = [values.length]) => tensor(type, dims, values);

function attribute([name, value]) {
  const text = new TextEncoder();
  if (typeof value === 'string') return { name, s: text.encode(value), type: 3 };
  if (Array.isArray(value))
    return value.every(Number.isInteger) && !value.float
      ? { name, ints: value, type: 7 }
      : { name, floats: value, type: 6 };
  if (typeof value === 'object') return { name, f: value.f, type: 1 };
  return Number.isInteger(value) ? { name, i: value, type: 2 } : { name, f: value, type: 1 };
}

/** A whole number as float attribute. */
export const float = (f) => ({ f });

function protoOf(name, { type, dims, data }) {
  return {
    name,
    dims,
    data_type: numberOf(type),
    ...(type === 'string'
      ? { string_data: data.map((s) => new TextEncoder().encode(s)) }
      : { raw_data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) }),
  };
}

/**
 * @param {{ op: string, domain?: string, opset?: number, attributes?: object, inputs: (object | null)[],
 *   constants?: number[], outputs?: (string | null)[] }} row `outputs`: a type each (default float32), null where unwanted
 * @returns {{ bytes: Uint8Array, feeds: Record<string, object>, names: string[] }}
 */
export function caseModel({
  op,
  domain = 'com.microsoft',
  opset = 21,
  attributes = {},
  inputs,
  constants = [],
  outputs = ['float32'],
}) {
  const feeds = {};
  const initializers = [];
  const names = inputs.map((value, i) => {
    if (!value) return '';
    if (constants.includes(i)) initializers.push(protoOf(`i${i}`, value));
    else feeds[`i${i}`] = value;
    return `i${i}`;
  });
  const wanted = outputs.map((type, i) => (type ? `o${i}` : ''));
  const port = (name, type, dims) => ({
    name,
    type: {
      tensor_type: {
        elem_type: numberOf(type),
        ...(dims ? { shape: { dim: dims.map((_, i) => ({ dim_param: `${name}_${i}` })) } } : {}),
      },
    },
  });
  const bytes = writeModel({
    ir_version: 10,
    producer_name: 'tests',
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
          name: op,
          input: names,
          output: wanted,
          attribute: Object.entries(attributes).map(attribute),
        },
      ],
      input: Object.entries(feeds).map(([name, { type, dims }]) => port(name, type, dims)),
      output: wanted.flatMap((name, i) => (name ? [port(name, outputs[i])] : [])),
      initializer: initializers,
    },
  });
  return { bytes, feeds, names: wanted.filter(Boolean) };
}
