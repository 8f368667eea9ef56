// The .tflite twin of a convolutional network: the same weights in the order of TensorFlow (NHWC, filters OHWI).
import { readFile } from 'node:fs/promises';
import { readModel } from '../../tests/support/onnx.mjs';
import { tensorValue } from '../../tests/support/values.mjs';
import { makeFile, makeNetwork } from './networks.mjs';
import { activation, padding, TfliteModel } from './tflite.mjs';

/** Names of networks.mjs that have twins. */
export const twins = ['resnet50', 'mobilenet-v2'];

/** A tensor with its axes in the order `perm`. */
export function transposed({ dims, data }, perm) {
  const out = new data.constructor(data.length);
  const shape = perm.map((axis) => dims[axis]);
  const strides = dims.map((_, axis) => dims.slice(axis + 1).reduce((a, b) => a * b, 1));
  const steps = perm.map((axis) => strides[axis]);
  const at = shape.map(() => 0);
  let from = 0;
  for (let i = 0; i < out.length; i++) {
    out[i] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++at[axis] < shape[axis]) break;
      from -= steps[axis] * shape[axis];
      at[axis] = 0;
    }
  }
  return { dims: shape, data: out };
}

class Converter {
  constructor({ graph }) {
    this.graph = graph;
    this.tflite = new TfliteModel();
    this.constants = new Map(graph.initializer.map((proto) => [proto.name, proto]));
    /** Name to number and NHWC shape. */
    this.values = new Map();
    this.clamped = new Set();
  }
  constant = (name) => tensorValue(this.constants.get(name));
  attributes = (node) =>
    Object.fromEntries((node.attribute ?? []).map(({ name, ints, i }) => [name, ints ?? i]));
  give(name, shape) {
    const value = { number: this.tflite.value(shape, name), shape };
    this.values.set(name, value);
    return value.number;
  }
  /** The activation that alone reads a node's output, which becomes that node's own; and the name it gives. */
  tail({ output: [name] }) {
    const readers = this.graph.node.filter(({ input }) => input.includes(name));
    const [next] = readers;
    if (readers.length !== 1 || !['Relu', 'Clip'].includes(next.op_type)) return { name, activation: 0 };
    if (next.op_type === 'Clip' && this.constant(next.input[2]).data[0] !== 6)
      throw new Error('a Clip that is no relu6');
    this.clamped.add(next);
    return { name: next.output[0], activation: next.op_type === 'Relu' ? activation.relu : activation.relu6 };
  }

  /** Input number and shape for a window: what SAME does not do is padded before. */
  window(name, [kernel], [pad], [stride]) {
    const { number, shape } = this.values.get(name);
    if (pad === 0) return { number, shape, padding: padding.VALID };
    if (stride === 1 && pad === (kernel - 1) / 2) return { number, shape, padding: padding.SAME };
    const padded = [shape[0], shape[1] + 2 * pad, shape[2] + 2 * pad, shape[3]];
    const amounts = this.tflite.constant([4, 2], Int32Array.of(0, 0, pad, pad, pad, pad, 0, 0));
    const result = this.tflite.add('PAD', [number, amounts], this.tflite.value(padded));
    return { number: result, shape: padded, padding: padding.VALID };
  }
  reach({ shape, padding: mode }, kernel, stride) {
    const across = (extent) => (mode === padding.SAME ? extent : Math.floor((extent - kernel) / stride) + 1);
    return [across(shape[1]), across(shape[2])];
  }

  Conv(node) {
    const { kernel_shape, pads, strides, group } = this.attributes(node);
    const weights = this.constant(node.input[1]);
    const [out] = weights.dims;
    const depthwise = group > 1;
    if (depthwise && weights.dims[1] !== 1) throw new Error('a grouped convolution');
    const from = this.window(node.input[0], kernel_shape, pads, strides);
    const filter = transposed(weights, depthwise ? [1, 2, 3, 0] : [0, 2, 3, 1]);
    const operands = [this.tflite.constant(filter.dims, filter.data)];
    operands.push(this.tflite.constant([out], this.constant(node.input[2]).data));
    const { name, activation } = this.tail(node);
    const result = this.give(name, [1, ...this.reach(from, kernel_shape[0], strides[0]), out]);
    const options = { padding: from.padding, strideW: strides[1], strideH: strides[0], activation };
    if (depthwise) options.multiplier = out / group;
    const kind = depthwise ? 'DEPTHWISE_CONV_2D' : 'CONV_2D';
    this.tflite.add(kind, [from.number, ...operands], result, options);
  }
  /** Padding with zeros is right behind a Relu only, where nothing is less. */
  MaxPool(node) {
    const { kernel_shape, pads, strides } = this.attributes(node);
    const from = this.window(node.input[0], kernel_shape, pads, strides);
    const shape = [1, ...this.reach(from, kernel_shape[0], strides[0]), from.shape[3]];
    const [strideH, strideW] = strides;
    const options = {
      padding: from.padding,
      strideW,
      strideH,
      width: kernel_shape[1],
      height: kernel_shape[0],
    };
    this.tflite.add('MAX_POOL_2D', [from.number], this.give(node.output[0], shape), options);
  }
  Add(node) {
    const [a, b] = node.input.map((name) => this.values.get(name));
    const { name, activation } = this.tail(node);
    this.tflite.add('ADD', [a.number, b.number], this.give(name, a.shape), { activation });
  }
  GlobalAveragePool(node) {
    const { number, shape } = this.values.get(node.input[0]);
    const axes = this.tflite.constant([2], Int32Array.of(1, 2));
    this.tflite.add('MEAN', [number, axes], this.give(node.output[0], [1, shape[3]]));
  }
  Gemm(node) {
    const weights = this.constant(node.input[1]);
    const bias = this.constant(node.input[2]);
    const constants = [weights, bias].map(({ dims, data }) => this.tflite.constant(dims, data));
    const result = this.give(node.output[0], [1, weights.dims[0]]);
    this.tflite.add('FULLY_CONNECTED', [this.values.get(node.input[0]).number, ...constants], result);
  }
  Flatten = (node) => this.values.set(node.output[0], this.values.get(node.input[0]));
  Identity = (node) => this.values.set(node.output[0], this.values.get(node.input[0]));

  run() {
    const [input] = this.graph.input;
    const [batch, channels, height, width] = input.type.tensor_type.shape.dim.map(
      ({ dim_value }) => dim_value,
    );
    const first = this.give(input.name, [batch, height, width, channels]);
    for (const node of this.graph.node) {
      if (this.clamped.has(node)) continue;
      if (!this[node.op_type]) throw new Error(`no twin of ${node.op_type}`);
      this[node.op_type](node);
    }
    const outputs = this.graph.output.map(({ name }) => this.values.get(name).number);
    return this.tflite.bytes([first], outputs);
  }
}

/** @param {object} model a decoded ModelProto of convolutions with biases, as convolutional.mjs writes them */
export const tfliteTwin = (model) => new Converter(model).run();

/** Writes <name>-<size>.tflite into `out` unless it is fresh, and returns its path. */
export const makeTwin = (out, name, size) =>
  makeFile(out, `${name}-${size}.tflite`, async () =>
    tfliteTwin(readModel(await readFile(await makeNetwork(out, name, size)))),
  );
