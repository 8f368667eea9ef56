// Models of one operator of ai.onnx.ml, run on several runtimes.
import { writeModel } from '../support/onnx.mjs';
import { openRuntime } from '../support/runtimes.mjs';
import { dtypes } from '../support/values.mjs';

const numberOf = (type) => dtypes.findIndex((row) => row?.name === type);
const utf8 = new TextEncoder();

/** A tensor as a value (values.mjs); int64 data may be given as numbers. */
export function tensor(type, data, dims = [data.length]) {
  const { array } = dtypes[numberOf(type)];
  if (type === 'string') return { type, dims, data };
  return { type, dims, data: array.from(data, type === 'int64' ? BigInt : Number) };
}

function tensorProto({ type, dims, data }) {
  if (type === 'string')
    return { dims, data_type: numberOf(type), string_data: data.map((s) => utf8.encode(s)) };
  return { dims, data_type: numberOf(type), raw_data: new Uint8Array(data.buffer) };
}

// Attributes: [type, field, value] of AttributeProto.
export const f = (value) => ({ type: 1, f: value });
export const i = (value) => ({ type: 2, i: value });
export const s = (value) => ({ type: 3, s: utf8.encode(value) });
export const t = (value) => ({ type: 4, t: tensorProto(value) });
export const fs = (value) => ({ type: 6, floats: Array.from(value) });
export const is = (value) => ({ type: 7, ints: Array.from(value) });
export const ss = (value) => ({ type: 8, strings: value.map((text) => utf8.encode(text)) });

const port = (name, type) => ({ name, type: { tensor_type: { elem_type: numberOf(type) } } });

/**
 * @typedef {{ op: string, attributes?: object, inputs: object[], outputs: string[], opset?: number, domain?: string }} Case
 * @param {Case} parts one node whose inputs are the graph's; `outputs` are the element types
 */
export function nodeModel({ op, attributes = {}, inputs, outputs, opset = 3, domain = 'ai.onnx.ml' }) {
  const input = inputs.map((_, k) => `x${k}`);
  const output = outputs.map((_, k) => `y${k}`);
  return writeModel({
    ir_version: 8,
    opset_import: [
      { domain: '', version: 17 },
      { domain, version: opset },
    ],
    graph: {
      name: 'g',
      node: [
        {
          op_type: op,
          domain,
          name: op,
          input,
          output,
          attribute: Object.entries(attributes).map(([name, value]) => ({ name, ...value })),
        },
      ],
      input: inputs.map(({ type }, k) => port(input[k], type)),
      output: outputs.map((type, k) => port(output[k], type)),
    },
  });
}

/** Outputs of a case on a runtime. */
export async function runCase(runtime, parts) {
  const session = await (await openRuntime(runtime)).create(nodeModel(parts));
  try {
    const feeds = Object.fromEntries(parts.inputs.map((value, k) => [`x${k}`, value]));
    const results = await session.run(feeds);
    return session.outputNames.map((name) => results[name]);
  } finally {
    await session.release();
  }
}
