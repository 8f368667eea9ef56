// Quantisation as exporters do it. Static: activations uint8 with one scale each, weights int8 with a scale per output channel,
// biases int32. Weights alone: 4 bits in blocks (MatMulNBits). Models are decoded ModelProtos of one float32 graph.
import { tensorValue } from '../../tests/support/values.mjs';

const [FLOAT, UINT8, INT8, INT32] = [1, 2, 3, 6];
const MICROSOFT = 'com.microsoft';
const arrays = { [FLOAT]: Float32Array, [UINT8]: Uint8Array, [INT8]: Int8Array, [INT32]: Int32Array };
/** Operators that keep their input's values, and so its scale. */
const moving = new Set(['MaxPool', 'Flatten']);

const integer = (name, i) => ({ name, i, type: 2 });
const clamp = (value, low, high) => Math.min(high, Math.max(low, Math.round(value)));

function tensor(name, data_type, dims, values) {
  const data = arrays[data_type].from(values);
  return { name, dims, data_type, raw_data: new Uint8Array(data.buffer) };
}

/** The nodes of the kinds `ops` that have a quantised form: weights are constant, summands are not. */
function chosenNodes({ graph }, ops) {
  const constant = new Set(graph.initializer.map(({ name }) => name));
  const fits = ({ op_type, input }) =>
    op_type === 'Add'
      ? !input.some((name) => constant.has(name))
      : input[1] === undefined || constant.has(input[1]);
  return new Set(graph.node.filter((node) => ops.includes(node.op_type) && fits(node)));
}

/** The model with all activations that `quantize` needs the range of as outputs. */
export function observed(model, ops) {
  const names = new Set();
  for (const { input, output } of chosenNodes(model, ops))
    for (const name of [...input, ...output]) names.add(name);
  // What a Relu or Clip leaves of a chosen node's output is what counts.
  for (const { op_type, input, output } of model.graph.node)
    if (['Relu', 'Clip'].includes(op_type) && names.has(input[0])) names.add(output[0]);
  for (const { name } of [...model.graph.initializer, ...model.graph.input, ...model.graph.output])
    names.delete(name);
  const added = [...names].map((name) => ({ name, type: { tensor_type: { elem_type: FLOAT } } }));
  return { ...model, graph: { ...model.graph, output: [...model.graph.output, ...added] } };
}

/** Widens `ranges` (name to [low, high]) by values of one run; zero is always inside. */
export function widen(ranges, values) {
  for (const [name, { type, data }] of Object.entries(values)) {
    if (type !== 'float32') continue;
    let [low, high] = ranges.get(name) ?? [0, 0];
    for (const value of data) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    ranges.set(name, [low, high]);
  }
}

class Quantizer {
  constructor(model, { ops, ranges }) {
    this.model = model;
    this.ranges = ranges;
    this.chosen = chosenNodes(model, ops);
    this.constants = new Map(model.graph.initializer.map((value) => [value.name, value]));
    this.readers = new Map();
    this.moved = new Map();
    for (const node of model.graph.node) {
      for (const name of node.input) this.readers.set(name, [...(this.readers.get(name) ?? []), node]);
      if (this.chosen.has(node) && moving.has(node.op_type)) this.moved.set(node.output[0], node.input[0]);
    }
    this.nodes = [];
    this.made = new Map();
    /** Values there are as floats, as integers, and as floats that come from integers. */
    this.floats = new Set(model.graph.input.map(({ name }) => name));
    this.integers = new Map();
    this.restored = new Map();
  }

  add(op_type, input, output, attribute = [], domain = '') {
    this.nodes.push({
      op_type,
      name: `/${op_type}_${this.nodes.length}`,
      input,
      output: [output],
      attribute,
      domain,
    });
    return output;
  }
  constant(name, data_type, dims, values) {
    if (!this.made.has(name)) this.made.set(name, tensor(name, data_type, dims, values));
    return name;
  }
  isRead = (name) => (this.readers.get(name) ?? []).some((node) => this.chosen.has(node));

  /** Scale and zero point of an activation, and their names. */
  step(name) {
    if (this.moved.has(name)) return this.step(this.moved.get(name));
    const [low, high] = this.ranges.get(name);
    const scale = Math.fround((high - low) / 255 || 1);
    const names = [
      this.constant(`${name}_scale`, FLOAT, [], [scale]),
      this.constant(`${name}_zero`, UINT8, [], [clamp(-low / scale, 0, 255)]),
    ];
    return { scale, names };
  }
  quantised(name) {
    if (!this.integers.has(name))
      this.integers.set(name, this.add('QuantizeLinear', [name, ...this.step(name).names], `${name}_q`));
    return this.integers.get(name);
  }
  dequantised(name) {
    if (!this.restored.has(name)) {
      const input = [this.quantised(name), ...this.step(name).names];
      this.restored.set(name, this.add('DequantizeLinear', input, `${name}_dq`));
    }
    return this.restored.get(name);
  }
  /** The value as float: as it is, or from the integers that are all there is. */
  float = (name) => (this.integers.has(name) && !this.floats.has(name) ? this.dequantised(name) : name);

  /** Weights and bias of a node as integers: names, and the axis of the scales. */
  weights({ op_type, input: [x, w, b] }) {
    const { dims, data } = tensorValue(this.constants.get(w));
    const axis = op_type === 'MatMul' ? 1 : 0;
    const inner = axis === 0 ? data.length / dims[0] : 1;
    const channel = (i) => Math.floor(i / inner) % dims[axis];
    const largest = new Float32Array(dims[axis]);
    for (const [i, value] of data.entries())
      largest[channel(i)] = Math.max(largest[channel(i)], Math.abs(value));
    const scales = largest.map((value) => value / 127 || 1);
    const bytes = data.map((value, i) => clamp(value / scales[channel(i)], -127, 127));
    const names = [
      this.constant(`${w}_q`, INT8, dims, bytes),
      this.constant(`${w}_scale`, FLOAT, [dims[axis]], scales),
      this.constant(`${w}_zero`, INT8, [dims[axis]], new Int8Array(dims[axis])),
    ];
    if (!b) return { names, axis };
    const steps = scales.map((scale) => scale * this.step(x).scale);
    const bias = tensorValue(this.constants.get(b)).data;
    return {
      names,
      axis,
      bias: this.constant(
        `${b}_q`,
        INT32,
        [bias.length],
        bias.map((value, i) => Math.round(value / steps[i])),
      ),
      biasScale: this.constant(`${b}_scale`, FLOAT, [bias.length], steps),
    };
  }

  /** The node between DequantizeLinear and QuantizeLinear. */
  surround(node) {
    const weighted = node.input.length > 1 && node.op_type !== 'Add';
    const floats = weighted ? 1 : node.input.length;
    const input = node.input.map((name, i) => (i < floats ? this.dequantised(name) : name));
    if (weighted) {
      const { names, axis, bias, biasScale } = this.weights(node);
      input[1] = this.add('DequantizeLinear', names, `${node.input[1]}_dq`, [integer('axis', axis)]);
      if (bias)
        input[2] = this.add('DequantizeLinear', [bias, biasScale], `${node.input[2]}_dq`, [
          integer('axis', 0),
        ]);
    }
    this.nodes.push({ ...node, input });
    this.floats.add(node.output[0]);
  }

  /** The operator on integers in the node's place; `result` is the value it gives, behind a Relu or Clip. */
  replace({ op_type, input, attribute }, result) {
    const from = (name) => [this.quantised(name), ...this.step(name).names];
    const give = (op, inputs, attributes, domain) =>
      this.integers.set(result, this.add(op, inputs, `${result}_q`, attributes, domain));
    const to = () => this.step(result).names;
    if (moving.has(op_type)) return give(op_type, [this.quantised(input[0])], attribute);
    if (op_type === 'Add') return give('QLinearAdd', [...input.flatMap(from), ...to()], [], MICROSOFT);
    if (op_type === 'GlobalAveragePool')
      return give(
        'QLinearGlobalAveragePool',
        [...from(input[0]), ...to()],
        [integer('channels_last', 0)],
        MICROSOFT,
      );
    const { names, bias } = this.weights({ op_type, input });
    const operands = [...from(input[0]), ...names];
    if (op_type === 'Conv')
      return give('QLinearConv', [...operands, ...to(), ...(bias ? [bias] : [])], attribute);
    if (op_type === 'MatMul') return give('QLinearMatMul', [...operands, ...to()]);
    if (this.isRead(result)) return give('QGemm', [...operands, bias ?? '', ...to()], attribute, MICROSOFT);
    this.floats.add(this.add('QGemm', [...operands, bias ?? ''], result, attribute, MICROSOFT));
  }

  run(format) {
    const absorbed = new Set();
    for (const node of this.model.graph.node) {
      if (absorbed.has(node)) continue;
      if (!this.chosen.has(node)) {
        this.nodes.push({ ...node, input: node.input.map(this.float) });
        for (const name of node.output) this.floats.add(name);
      } else if (format === 'qdq') {
        this.surround(node);
      } else {
        const [next, another] = this.readers.get(node.output[0]) ?? [];
        const clamps = next && !another && ['Relu', 'Clip'].includes(next.op_type);
        if (clamps) absorbed.add(next);
        this.replace(node, clamps ? next.output[0] : node.output[0]);
      }
    }
    return finished(this.model, this.nodes, this.made);
  }
}

/** The model of these nodes, with the constants that they still read. */
function finished(model, nodes, made) {
  const read = new Set(nodes.flatMap(({ input }) => input));
  const initializer = [...model.graph.initializer, ...made.values()].filter(({ name }) => read.has(name));
  const used = nodes.some(({ domain }) => domain === MICROSOFT);
  const known = model.opset_import.some(({ domain }) => domain === MICROSOFT);
  return {
    ...model,
    opset_import: [...model.opset_import, ...(used && !known ? [{ domain: MICROSOFT, version: 1 }] : [])],
    graph: { ...model.graph, node: nodes, initializer },
  };
}

/**
 * @param {object} model of opset 13 or later
 * @param {{ ops: string[], ranges: Map<string, [number, number]>, format: 'qdq' | 'qlinear' }} options
 *   `ops`: kinds of nodes to quantise, of Conv, Gemm, MatMul, Add, MaxPool, Flatten, GlobalAveragePool
 */
export const quantize = (model, { format, ...options }) => new Quantizer(model, options).run(format);

/** The model with its products by constant matrices as MatMulNBits of 4 bits, zero point 8. */
export function blockWeights(model, block = 32) {
  const constants = new Map(model.graph.initializer.map((value) => [value.name, value]));
  const made = new Map();
  const nodes = model.graph.node.map((node) => {
    const proto = node.op_type === 'MatMul' && constants.get(node.input[1]);
    if (!proto) return node;
    const { dims, data } = tensorValue(proto);
    const [K, N] = dims;
    const blocks = Math.ceil(K / block);
    const bytes = new Uint8Array((N * blocks * block) / 2);
    const scales = new Float32Array(N * blocks);
    for (let at = 0; at < N * blocks; at++) {
      const [n, from] = [Math.floor(at / blocks), (at % blocks) * block];
      const row = Array.from({ length: block }, (_, i) => (from + i < K ? data[(from + i) * N + n] : 0));
      const extreme = row.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
      scales[at] = extreme / -8 || 1;
      for (const [i, value] of row.entries())
        bytes[(at * block + i) >> 1] |= clamp(value / scales[at] + 8, 0, 15) << (4 * (i & 1));
    }
    const weights = `${node.input[1]}_bits`;
    made.set(weights, tensor(weights, UINT8, [N, blocks, block / 2], bytes));
    made.set(`${weights}_scale`, tensor(`${weights}_scale`, FLOAT, [N, blocks], scales));
    const attribute = Object.entries({ K, N, bits: 4, block_size: block }).map(([name, i]) =>
      integer(name, i),
    );
    return {
      ...node,
      op_type: 'MatMulNBits',
      domain: MICROSOFT,
      input: [node.input[0], weights, `${weights}_scale`],
      attribute,
    };
  });
  return finished(model, nodes, made);
}
