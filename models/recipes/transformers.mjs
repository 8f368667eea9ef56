// Encoders spelled out in parts, as PyTorch exports them before opset 17.
import { Network } from './network.mjs';

/** MatMul and Add over the last axis. */
export function linear(net, x, from, to) {
  const product = net.op('MatMul', [x, net.weights([from, to], from)]);
  return net.op('Add', [net.uniform([to], -0.1, 0.1), product]);
}

export function layerNorm(net, x, width) {
  const mean = net.op('ReduceMean', [x], { axes: [-1] });
  const centred = net.op('Sub', [x, mean]);
  const squares = net.op('Pow', [centred, net.number(2)]);
  const variance = net.op('ReduceMean', [squares], { axes: [-1] });
  const deviation = net.op('Sqrt', [net.op('Add', [variance, net.number(1e-5)])]);
  const scaled = net.op('Mul', [net.op('Div', [centred, deviation]), net.uniform([width], 0.6, 1.4)]);
  return net.op('Add', [scaled, net.uniform([width], -0.2, 0.2)]);
}

/** By the error function, and with the approximation by tanh that GPT-like models use. */
export function gelu(net, x) {
  const erf = net.op('Erf', [net.op('Div', [x, net.number(Math.SQRT2)])]);
  const product = net.op('Mul', [x, net.op('Add', [erf, net.number(1)])]);
  return net.op('Mul', [product, net.number(0.5)]);
}
export function geluTanh(net, x) {
  const cube = net.op('Pow', [x, net.number(3)]);
  const inner = net.op('Add', [x, net.op('Mul', [cube, net.number(0.044715)])]);
  const tanh = net.op('Tanh', [net.op('Mul', [inner, net.number(Math.sqrt(2 / Math.PI))])]);
  return net.op('Mul', [net.op('Mul', [x, net.number(0.5)]), net.op('Add', [tanh, net.number(1)])]);
}

/** An extent of a value that is known at a run alone, as a scalar. */
export const extent = (net, x, axis) =>
  net.op('Gather', [net.op('Shape', [x]), net.index(axis)], { axis: 0 });

/** A shape: extents as numbers, or scalars that `extent` gave. */
export function shapeOf(net, extents) {
  const parts = extents.map((value) =>
    typeof value === 'number' ? net.indices(value) : net.op('Unsqueeze', [value, net.indices(0)]),
  );
  return net.op('Concat', parts, { axis: 0 });
}

/** A Reshape to [batch, tokens, ...rest] where batch and tokens come from `like`. */
export const reshapeOpen = (net, x, like, rest) =>
  net.op('Reshape', [x, shapeOf(net, [extent(net, like, 0), extent(net, like, 1), ...rest])]);

/** Rows of [batch, tokens, width] as [batch, heads, tokens, width / heads], in the order `perm`. */
export function split(net, x, { width, heads }, perm) {
  return net.op('Transpose', [reshapeOpen(net, x, x, [heads, width / heads])], { perm });
}

/** `mask` is added to the scores. */
function selfAttention(net, x, sizes, mask) {
  const { width, heads } = sizes;
  const project = () => linear(net, x, width, width);
  const q = split(net, project(), sizes, [0, 2, 1, 3]);
  const k = split(net, project(), sizes, [0, 2, 3, 1]);
  const v = split(net, project(), sizes, [0, 2, 1, 3]);
  const scores = net.op('Div', [net.op('MatMul', [q, k]), net.number(Math.sqrt(width / heads))]);
  const weights = net.op('Softmax', [net.op('Add', [scores, mask])], { axis: 3 });
  const context = net.op('Transpose', [net.op('MatMul', [weights, v])], { perm: [0, 2, 1, 3] });
  return linear(net, reshapeOpen(net, context, context, [width]), width, width);
}

/** Token ids and an attention mask, both int64 [batch, tokens], to `hidden` [batch, tokens, width]. */
export function bert({ seed, layers, width, heads, vocabulary, tokens }) {
  const net = new Network('bert', seed, 13);
  const ids = net.input('input_ids', 'int64', ['batch', 'tokens']);
  const keep = net.input('attention_mask', 'int64', ['batch', 'tokens']);
  const wide = net.op('Unsqueeze', [net.op('Unsqueeze', [keep, net.indices(1)]), net.indices(2)]);
  const hidden = net.op('Sub', [net.number(1), net.op('Cast', [wide], { to: 1 })]);
  const mask = net.op('Mul', [hidden, net.number(-10000)]);
  const end = net.op('Unsqueeze', [extent(net, ids, 1), net.indices(0)]);
  const positions = net.op('Slice', [
    net.uniform([1, tokens, width], -0.5, 0.5),
    net.indices(0),
    end,
    net.indices(1),
  ]);
  const words = net.op('Gather', [net.uniform([vocabulary, width], -1, 1), ids]);
  let x = layerNorm(net, net.op('Add', [words, positions]), width);
  for (let i = 0; i < layers; i++) {
    const attention = selfAttention(net, x, { width, heads }, mask);
    x = layerNorm(net, net.op('Add', [attention, x]), width);
    const inner = gelu(net, linear(net, x, width, 4 * width));
    x = layerNorm(net, net.op('Add', [linear(net, inner, 4 * width, width), x]), width);
  }
  net.output(x, 'hidden', ['batch', 'tokens', width]);
  return net.bytes();
}

/** A picture [1, 3, side, side] to `scores` [1, 1000]; fixed shapes, one projection for q, k and v. */
export function vit({ seed, layers, width, heads, side, patch, activation = gelu }) {
  const net = new Network('vit', seed, 13);
  const image = net.input('image', 'float32', [1, 3, side, side]);
  const across = side / patch;
  const patches = net.op(
    'Conv',
    [image, net.weights([width, 3, patch, patch], 3 * patch * patch), net.uniform([width], -0.1, 0.1)],
    { kernel_shape: [patch, patch], strides: [patch, patch] },
  );
  const flat = net.op('Reshape', [patches, net.indices(1, width, across * across)]);
  const rows = net.op('Transpose', [flat], { perm: [0, 2, 1] });
  const tokens = across * across + 1;
  const all = net.op('Concat', [net.uniform([1, 1, width], -1, 1), rows], { axis: 1 });
  let x = net.op('Add', [all, net.uniform([1, tokens, width], -0.5, 0.5)]);
  const head = width / heads;
  for (let i = 0; i < layers; i++) {
    const qkv = linear(net, layerNorm(net, x, width), width, 3 * width);
    const parts = net.op('Reshape', [qkv, net.indices(1, tokens, 3, heads, head)]);
    const turned = net.op('Transpose', [parts], { perm: [2, 0, 3, 1, 4] });
    const [q, k, v] = [0, 1, 2].map((part) => net.op('Gather', [turned, net.index(part)], { axis: 0 }));
    const keys = net.op('Transpose', [k], { perm: [0, 1, 3, 2] });
    const scores = net.op('Mul', [net.op('MatMul', [q, keys]), net.number(head ** -0.5)]);
    const seen = net.op('MatMul', [net.op('Softmax', [scores], { axis: -1 }), v]);
    const joined = net.op('Transpose', [seen], { perm: [0, 2, 1, 3] });
    const context = net.op('Reshape', [joined, net.indices(1, tokens, width)]);
    x = net.op('Add', [x, linear(net, context, width, width)]);
    const inner = activation(net, linear(net, layerNorm(net, x, width), width, 4 * width));
    x = net.op('Add', [x, linear(net, inner, 4 * width, width)]);
  }
  const first = net.op('Gather', [layerNorm(net, x, width), net.index(0)], { axis: 1 });
  const weights = net.weights([1000, width], width);
  const scores = net.op('Gemm', [first, weights, net.uniform([1000], -0.1, 0.1)], { transB: 1 });
  net.output(scores, 'scores', [1, 1000]);
  return net.bytes();
}
