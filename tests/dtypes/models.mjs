// Cases as ONNX models: every case is one node with inputs and outputs of its own, so one model can hold many.
import { writeModel } from '../support/onnx.mjs';
import { numberOf } from './tensors.mjs';

const latestOpset = 23;
const text = new TextEncoder();

/** A float attribute; whole numbers are integers otherwise. */
export const f = (value) => ({ float: value });
export const fs = (values) => ({ floats: values });

const isTensor = (value) => typeof value === 'object' && value !== null && 'dims' in value && 'data' in value;

export function tensorProto(name, { type, dims, data }) {
  const proto = { name, dims, data_type: numberOf(type) };
  if (type === 'string') return { ...proto, string_data: data.map((item) => text.encode(item)) };
  return { ...proto, raw_data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

function attributeProto(name, value) {
  if (typeof value === 'number') return { name, type: 2, i: value };
  if (typeof value === 'string') return { name, type: 3, s: text.encode(value) };
  if (isTensor(value)) return { name, type: 4, t: tensorProto('', value) };
  if (value.node) return { name, type: 5, g: value };
  if ('float' in value) return { name, type: 1, f: value.float };
  if ('floats' in value) return { name, type: 6, floats: value.floats };
  if ('tensor_type' in value || 'sequence_type' in value) return { name, type: 13, tp: value };
  if (typeof value[0] === 'string') return { name, type: 8, strings: value.map((item) => text.encode(item)) };
  return { name, type: 7, ints: value };
}

export const tensorType = (type, dims) => ({
  tensor_type: {
    elem_type: numberOf(type),
    ...(dims && { shape: { dim: dims.map((d) => ({ dim_value: d })) } }),
  },
});
const sequenceOf = (type) => ({ sequence_type: { elem_type: tensorType(type) } });
const optionalOf = (elem_type) => ({ optional_type: { elem_type } });

/** The type behind `float32`, `[float32]` (a sequence), `?float32` (an optional). */
function namedType(text) {
  if (text.startsWith('?')) return optionalOf(namedType(text.slice(1)));
  return text.startsWith('[') ? sequenceOf(text.slice(1, -1)) : tensorType(text);
}

/** A node of a subgraph. */
export const node = (op, input, output, attributes = {}) => ({
  op_type: op,
  input,
  output,
  attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
});

const typeOf = (value) =>
  Array.isArray(value) ? sequenceOf(value[0].type) : tensorType(value.type, value.dims);

/** What an output is called in the model that holds case `i`. */
export const outputName = (i, k) => `o${i}_${k}`;

/**
 * @typedef {{ op: string, domain?: string, inputs: any[], attributes?: object, outputs: string[], constants?: number[],
 *   opset?: number }} Case `outputs`: types, `[float32]` for a sequence, `?float32` for an optional, '' when not wanted; `constants`: inputs that the
 *   model holds
 * @param {Case[]} cases of one operator set
 * @returns {{ model: Uint8Array, feeds: Record<string, any> }}
 */
export function modelOf(cases) {
  const graph = { name: 'cases', node: [], input: [], output: [], initializer: [] };
  const feeds = {};
  for (const [i, item] of cases.entries()) {
    const inputs = item.inputs.map((value, k) => {
      if (value === null) return '';
      const name = `i${i}_${k}`;
      if (item.constants?.includes(k)) {
        graph.initializer.push(tensorProto(name, value));
      } else {
        graph.input.push({ name, type: typeOf(value) });
        feeds[name] = value;
      }
      return name;
    });
    const outputs = item.outputs.map((type, k) => (type === '' ? '' : outputName(i, k)));
    graph.node.push({ ...node(item.op, inputs, outputs, item.attributes), domain: domainOf(item) });
    for (const [k, type] of item.outputs.entries()) {
      if (type === '') continue;
      graph.output.push({ name: outputs[k], type: namedType(type) });
    }
  }
  const opset_import = [{ domain: '', version: cases[0].opset ?? latestOpset }];
  if (domainOf(cases[0])) opset_import.push({ domain: domainOf(cases[0]), version: 1 });
  return { model: writeModel({ ir_version: 10, opset_import, graph }), feeds };
}

const domainOf = ({ domain }) => (domain === undefined || domain === 'ai.onnx' ? '' : domain);
