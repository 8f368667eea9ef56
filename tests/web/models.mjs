// Small ONNX models written by hand.
import { writeModel } from '../support/onnx.mjs';
import { dtypes } from '../support/values.mjs';

const numberOf = (type) => dtypes.findIndex((row) => row?.name === type);
const dim = (extent) =>
  typeof extent === 'number' ? { dim_value: extent } : extent ? { dim_param: extent } : {};

/** ['float32', 'N', 3] as a TypeProto; [t] is a sequence, { optional: t } and { map: 'int64', of: t } are what they say. */
function typeOf(declared) {
  if (declared.optional) return { optional_type: { elem_type: typeOf(declared.optional) } };
  if (declared.of) return { map_type: { key_type: numberOf(declared.map), value_type: typeOf(declared.of) } };
  const [type, ...dims] = declared;
  if (typeof type === 'object') return { sequence_type: { elem_type: typeOf(type) } };
  return { tensor_type: { elem_type: numberOf(type), shape: { dim: dims.map(dim) } } };
}

const ports = (rows) => Object.entries(rows).map(([name, type]) => ({ name, type: typeOf(type) }));

const utf8 = new TextEncoder();

/** An attribute of an integer, a text, a list of either, or a graph. */
function attribute([name, value]) {
  if (typeof value?.[0] === 'string' && Array.isArray(value))
    return { name, strings: value.map((text) => utf8.encode(text)), type: 8 };
  if (Array.isArray(value)) return { name, ints: value, type: 7 };
  if (typeof value === 'string') return { name, s: utf8.encode(value), type: 3 };
  if (typeof value === 'object') return { name, g: value, type: 5 };
  return { name, i: value, type: 2 };
}

/** A node in words: node('Concat', 'a b', 'c', { axis: 0 }); operators of ai.onnx.ml as 'ml.ZipMap'. */
export function node(op, input, output, attributes = {}) {
  const domain = op.startsWith('ml.') ? 'ai.onnx.ml' : '';
  const op_type = op.replace(/^ml\./, '');
  const names = (text) => (text ? text.split(' ') : []);
  return {
    op_type,
    domain,
    name: `${op_type}_${output}`,
    input: names(input),
    output: names(output),
    attribute: Object.entries(attributes).map(attribute),
  };
}

/** @param {{inputs: object, outputs: object, nodes: object[], initializers?: object[], opset?: number}} parts */
export function model({ inputs, outputs, nodes, initializers = [], opset = 17 }) {
  return writeModel({
    ir_version: 8,
    producer_name: 'tests',
    opset_import: [
      { domain: '', version: opset },
      { domain: 'ai.onnx.ml', version: 3 },
    ],
    graph: {
      name: 'g',
      node: nodes,
      input: ports(inputs),
      output: ports(outputs),
      initializer: initializers,
    },
  });
}

/** The same model with a text of its own, which makes it larger than what a page opens in its own thread at once. */
export function padded(bytes) {
  const length = 64 << 10;
  // Field 6 of a model, doc_string, with its length as a varint.
  const head = [0x32, (length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14];
  return Uint8Array.from([...bytes, ...head, ...new Uint8Array(length).fill(32)]);
}

/** y = x for one element type. */
export const identity = (type) =>
  model({
    inputs: { x: [type, 'N', 2] },
    outputs: { y: [type, 'N', 2] },
    nodes: [node('Identity', 'x', 'y')],
  });

/** joined = [a; b], flipped = transpose of joined. */
export const joinAndFlip = model({
  inputs: { a: ['float32', 'N', 3], b: ['float32', 'M', 3] },
  outputs: { joined: ['float32', '', 3], flipped: ['float32', 3, ''] },
  nodes: [
    node('Concat', 'a b', 'joined', { axis: 0 }),
    node('Transpose', 'joined', 'flipped', { perm: [1, 0] }),
  ],
});

/** Transposes a square matrix `times` times. */
export const transposes = (times) =>
  model({
    inputs: { x0: ['float32', 'N', 'N'] },
    outputs: { [`x${times}`]: ['float32', 'N', 'N'] },
    nodes: Array.from({ length: times }, (_, i) => node('Transpose', `x${i}`, `x${i + 1}`, { perm: [1, 0] })),
  });

/** y = x + c; opening it transposes `c`, a square matrix of ones, `times` times. A run adds. */
export const slowToOpen = (size, times) =>
  model({
    inputs: { x: ['float32', size, size] },
    outputs: { y: ['float32', size, size] },
    initializers: [
      {
        name: 'c0',
        data_type: numberOf('float32'),
        dims: [size, size],
        raw_data: new Uint8Array(new Float32Array(size * size).fill(1).buffer),
      },
    ],
    nodes: [
      ...Array.from({ length: times }, (_, i) => node('Transpose', `c${i}`, `c${i + 1}`, { perm: [1, 0] })),
      node('Add', `x c${times}`, 'y'),
    ],
  });

/** y = Softmax(x w) w for square matrices: in the larger sizes long enough to be shared by threads. */
export const products = (size) =>
  model({
    inputs: { x: ['float32', size, size], w: ['float32', size, size] },
    outputs: { y: ['float32', size, size] },
    nodes: [node('MatMul', 'x w', 'a'), node('Softmax', 'a', 'b'), node('MatMul', 'b w', 'y')],
  });

/** y = x, negated `times` times. */
export const loop = model({
  inputs: { times: ['int64'], x: ['float32', 'N'] },
  outputs: { y: ['float32', 'N'] },
  nodes: [
    node('Loop', 'times  x', 'y', {
      body: {
        name: 'body',
        node: [node('Identity', 'go', 'still'), node('Neg', 'x0', 'x1')],
        input: ports({ i: ['int64'], go: ['bool'], x0: ['float32', 'N'] }),
        output: ports({ still: ['bool'], x1: ['float32', 'N'] }),
      },
    }),
  ],
});
