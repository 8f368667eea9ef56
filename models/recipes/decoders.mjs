// Language models of Llama's shape that take and give a cache of keys and values: spelled out as PyTorch exports them, and as
// onnxruntime-genai's builder writes them. Sizes: `kv` heads of keys and values, each of which serves heads / kv of the queries.
import { Network } from './network.mjs';
import { extent, reshapeOpen, shapeOf, split } from './transformers.mjs';

const lowest = -3.4028234663852886e38;
const epsilon = 1e-5;
const microsoft = 'com.microsoft';

/** How far the i-th of `count` pairs of a head turns from one position to the next. */
const angle = (i, count) => 10000 ** (-i / count);

const project = (net, x, from, to) => net.op('MatMul', [x, net.weights([from, to], from)]);
const gains = (net, width) => net.uniform([width], 0.6, 1.4);

/** Inputs of a run: the named ones for the tokens, int64, and the cache, a pair of key and value for each layer. */
function inputs(net, { layers, width, heads, kv }, names) {
  const tokens = names.map((name) =>
    net.input(name, 'int64', ['batch', name === 'attention_mask' ? 'total' : 'sequence']),
  );
  const dims = ['batch', kv, 'past', width / heads];
  const cache = Array.from({ length: layers }, (_, i) =>
    ['key', 'value'].map((part) => net.input(`past_key_values.${i}.${part}`, 'float32', dims)),
  );
  return [...tokens, cache];
}

/** Scores of each token and the cache with this run's tokens behind it. */
function outputs(net, { width, heads, kv, vocabulary }, x, cache) {
  net.output(project(net, x, width, vocabulary), 'logits', ['batch', 'sequence', vocabulary]);
  const dims = ['batch', kv, 'total', width / heads];
  for (const [i, [key, value]] of cache.entries()) {
    net.output(key, `present.${i}.key`, dims);
    net.output(value, `present.${i}.value`, dims);
  }
  return net.bytes();
}

function gatedLinear(net, x, { width, inner }) {
  const gate = project(net, x, width, inner);
  const open = net.op('Mul', [gate, net.op('Sigmoid', [gate])]);
  return project(net, net.op('Mul', [open, project(net, x, width, inner)]), inner, width);
}

function rmsNorm(net, x, width) {
  const squares = net.op('ReduceMean', [net.op('Pow', [x, net.number(2)])], { axes: [-1] });
  const root = net.op('Sqrt', [net.op('Add', [squares, net.number(epsilon)])]);
  const scaled = net.op('Mul', [x, net.op('Div', [net.number(1), root])]);
  return net.op('Mul', [gains(net, width), scaled]);
}

/** What is added to the scores, [batch, 1, sequence, total]: tokens see neither later ones nor padding. */
function causalMask(net, ids, keep, past) {
  const before = extent(net, past, 2);
  const total = net.op('Add', [before, extent(net, ids, 1)]);
  const columns = net.op('Range', [net.index(0), total, net.index(1)]);
  const rows = net.op('Range', [before, total, net.index(1)]);
  const wide = (x, ...axes) => axes.reduce((y, axis) => net.op('Unsqueeze', [y, net.indices(axis)]), x);
  const later = net.op('Greater', [wide(columns, 0), wide(rows, 1)]);
  const causal = net.op('Where', [later, net.number(lowest), net.number(0)]);
  const padding = net.op('Equal', [wide(keep, 1, 2), net.index(0)]);
  return net.op('Where', [padding, net.number(lowest), wide(causal, 0, 1)]);
}

/** Cosines and sines of all positions, [batch, 1, sequence, head]. */
function rotations(net, positions, head) {
  const half = head / 2;
  const each = net.tensor(
    'float32',
    [1, half, 1],
    Array.from({ length: half }, (_, i) => angle(i, half)),
  );
  const angles = net.op('Expand', [each, shapeOf(net, [extent(net, positions, 0), half, 1])]);
  const numbers = net.op('Cast', [net.op('Unsqueeze', [positions, net.indices(1)])], { to: 1 });
  const products = net.op('Transpose', [net.op('MatMul', [angles, numbers])], { perm: [0, 2, 1] });
  const both = net.op('Concat', [products, products], { axis: -1 });
  return ['Cos', 'Sin'].map((op) => net.op('Unsqueeze', [net.op(op, [both]), net.indices(1)]));
}

/** x * cos + rotate_half(x) * sin */
function rotate(net, x, [cosines, sines], head) {
  const slice = (from, to) => net.op('Slice', [x, net.indices(from), net.indices(to), net.indices(3)]);
  const low = slice(0, head / 2);
  const high = net.op('Neg', [slice(head / 2, 2n ** 63n - 1n)]);
  const turned = net.op('Concat', [high, low], { axis: -1 });
  return net.op('Add', [net.op('Mul', [x, cosines]), net.op('Mul', [turned, sines])]);
}

/** Each of the `kv` heads of [batch, kv, total, head] as often as queries read it. */
function repeat(net, x, { width, heads, kv }) {
  const [batch, total, head] = [extent(net, x, 0), extent(net, x, 2), width / heads];
  const apart = net.op('Unsqueeze', [x, net.indices(2)]);
  const all = net.op('Expand', [apart, shapeOf(net, [batch, kv, heads / kv, total, head])]);
  return net.op('Reshape', [all, shapeOf(net, [batch, heads, total, head])]);
}

/** input_ids, attention_mask, position_ids and past_key_values.N.key / .value to logits and present.N.key / .value */
export function llama(sizes) {
  const { seed, layers, width, heads, kv, vocabulary } = sizes;
  const head = width / heads;
  const net = new Network('llama', seed, 13);
  const names = ['input_ids', 'attention_mask', 'position_ids'];
  const [ids, keep, positions, past] = inputs(net, sizes, names);
  let x = net.op('Gather', [net.uniform([vocabulary, width], -1, 1), ids]);
  const mask = causalMask(net, ids, keep, past[0][0]);
  const turns = rotations(net, positions, head);
  const present = [];
  for (let i = 0; i < layers; i++) {
    const normed = rmsNorm(net, x, width);
    const part = (count) =>
      split(
        net,
        project(net, normed, width, count * head),
        { width: count * head, heads: count },
        [0, 2, 1, 3],
      );
    const query = rotate(net, part(heads), turns, head);
    const key = net.op('Concat', [past[i][0], rotate(net, part(kv), turns, head)], { axis: 2 });
    const value = net.op('Concat', [past[i][1], part(kv)], { axis: 2 });
    present.push([key, value]);
    const keys = net.op('Transpose', [repeat(net, key, sizes)], { perm: [0, 1, 3, 2] });
    const scores = net.op('Div', [net.op('MatMul', [query, keys]), net.number(Math.sqrt(head))]);
    const weights = net.op('Softmax', [net.op('Add', [scores, mask])], { axis: -1 });
    const seen = net.op('MatMul', [weights, repeat(net, value, sizes)]);
    const context = net.op('Transpose', [seen], { perm: [0, 2, 1, 3] });
    x = net.op('Add', [x, project(net, reshapeOpen(net, context, context, [width]), width, width)]);
    x = net.op('Add', [x, gatedLinear(net, rmsNorm(net, x, width), sizes)]);
  }
  return outputs(net, sizes, rmsNorm(net, x, width), present);
}

/** Without position_ids: GroupQueryAttention turns by tables of `context` positions, and counts by the attention mask. */
export function fusedLlama(sizes) {
  const { seed, layers, width, heads, kv, vocabulary, context } = sizes;
  const head = width / heads;
  const net = new Network('llama-fused', seed, 13);
  const [ids, keep, past] = inputs(net, sizes, ['input_ids', 'attention_mask']);
  const int32 = (x) => net.op('Cast', [x], { to: 6 });
  const total = int32(extent(net, keep, 1));
  const last = int32(net.op('Sub', [net.op('ReduceSum', [keep, net.indices(1)]), net.indices(1)]));
  const half = head / 2;
  const [cosines, sines] = [Math.cos, Math.sin].map((of) => {
    const entry = (_, at) => of(Math.floor(at / half) * angle(at % half, half));
    return net.tensor('float32', [context, half], Array.from({ length: context * half }, entry));
  });
  const attention = {
    do_rotary: 1,
    kv_num_heads: kv,
    num_heads: heads,
    scale: { float: 1 / Math.sqrt(head) },
  };
  /** The sum of both, and the same normed. */
  const skip = (x, y) => {
    const norm = { epsilon: { float: epsilon } };
    const operands = [x, y, gains(net, width)];
    const wanted = [true, false, false, true];
    const made = net.ops('SkipSimplifiedLayerNormalization', operands, norm, wanted, microsoft);
    return [made[3], made[0]];
  };
  let x = net.op('Gather', [net.uniform([vocabulary, width], -1, 1), ids]);
  const norm = { axis: -1, epsilon: { float: epsilon }, stash_type: 1 };
  let normed = net.op('SimplifiedLayerNormalization', [x, gains(net, width)], norm);
  const present = [];
  for (let i = 0; i < layers; i++) {
    const parts = [heads, kv, kv].map((count) => project(net, normed, width, count * head));
    const operands = [...parts, ...past[i], last, total, cosines, sines];
    const [seen, key, value] = net.ops('GroupQueryAttention', operands, attention, 3, microsoft);
    present.push([key, value]);
    [x, normed] = skip(x, project(net, seen, width, width));
    [x, normed] = skip(x, gatedLinear(net, normed, sizes));
  }
  return outputs(net, sizes, normed, present);
}
