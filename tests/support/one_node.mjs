// Models of one node, run by Kinglet and by onnxruntime-node on the same bytes.
import assert from 'node:assert/strict';
import { mismatch } from './compare.mjs';
import { writeModel } from './onnx.mjs';
import { openRuntime } from './runtimes.mjs';
import { dtypes } from './values.mjs';

const numberOf = (type) => dtypes.findIndex((row) => row?.name === type);
const encoder = new TextEncoder();

function attribute([name, value]) {
  if (typeof value === 'string') return { name, s: encoder.encode(value), type: 3 };
  if (typeof value === 'bigint') return { name, i: Number(value), type: 2 };
  // Integers; a float is given as { f }.
  if (typeof value === 'number') return { name, i: value, type: 2 };
  if (!Array.isArray(value))
    return 'f' in value ? { name, f: value.f, type: 1 } : { name, floats: value.floats, type: 6 };
  if (typeof value[0] === 'string')
    return { name, strings: value.map((text) => encoder.encode(text)), type: 8 };
  return { name, ints: value, type: 7 };
}

/** @returns {{ type: string, dims: number[], data: any }} */
export function tensor(type, dims, values) {
  const { array } = dtypes[numberOf(type)];
  if (!array) return { type, dims, data: values };
  const number = array === BigInt64Array || array === BigUint64Array ? BigInt : Number;
  return { type, dims, data: array.from(values, number) };
}
export const floats = (dims, values) => tensor('float32', dims, values);
export const ints = (values, dims = [values.length]) => tensor('int64', dims, values);
export const strings = (values, dims = [values.length]) => tensor('string', dims, values);

/** Numbers in [-1, 1), the same in every run. */
export function noise(dims, type = 'float32', seed = 1) {
  let state = seed;
  const size = dims.reduce((a, b) => a * b, 1);
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  const whole = !type.startsWith('float');
  return tensor(
    type,
    dims,
    Array.from({ length: size }, () => (whole ? Math.round(next() * 9) : next())),
  );
}

/**
 * @param {{ op: string, inputs: (object | null)[], attributes?: object, outputs?: string[], opset?: number, domain?: string }}
 *   node `inputs`: tensors, null where absent; `outputs`: element types
 */
export function oneNode({ op, inputs, attributes = {}, outputs = ['float32'], opset = 20, domain = '' }) {
  const name = (i) => `x${i}`;
  const feeds = Object.fromEntries(inputs.flatMap((value, i) => (value ? [[name(i), value]] : [])));
  const bytes = writeModel({
    ir_version: 9,
    opset_import: [{ domain: '', version: opset }, ...(domain ? [{ domain, version: 1 }] : [])],
    graph: {
      name: 'g',
      node: [
        {
          op_type: op,
          domain,
          input: inputs.map((value, i) => (value ? name(i) : '')),
          output: outputs.map((_, i) => `y${i}`),
          attribute: Object.entries(attributes).map(attribute),
        },
      ],
      input: Object.entries(feeds).map(([key, value]) => ({
        name: key,
        type: {
          tensor_type: {
            elem_type: numberOf(value.type),
            shape: { dim: value.dims.map((dim_value) => ({ dim_value })) },
          },
        },
      })),
      output: outputs.map((type, i) => ({
        name: `y${i}`,
        type: { tensor_type: { elem_type: numberOf(type) } },
      })),
    },
  });
  return { bytes, feeds };
}

export async function runNode(runtime, node) {
  const { bytes, feeds } = oneNode(node);
  const session = await (await openRuntime(runtime)).create(bytes);
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

/** Asserts that Kinglet gives what onnxruntime-node gives. */
export async function judge(node, tolerance = { rtol: 1e-4, atol: 1e-5 }) {
  const [ours, theirs] = [await runNode('kinglet-simd', node), await runNode('ort-node', node)];
  for (const name of Object.keys(theirs))
    assert.equal(
      mismatch(ours[name], theirs[name], tolerance),
      undefined,
      `${node.op} ${JSON.stringify(node.attributes)} ${name}`,
    );
}
