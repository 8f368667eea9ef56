// Attention with a cache as exporters spell it out: optimised and not, against onnxruntime-node.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Network } from '../../models/recipes/network.mjs';
import { relativeDifference } from '../support/compare.mjs';
import { randomNumbers } from '../support/random.mjs';
import { openRuntime } from '../support/runtimes.mjs';

const lowest = -3.4028234663852886e38;
const head = 8;

const extent = (net, x, axis) => net.op('Gather', [net.op('Shape', [x]), net.index(axis)], { axis: 0 });
const list = (net, ...parts) =>
  net.op(
    'Concat',
    parts.map((p) => (typeof p === 'number' ? net.indices(p) : net.op('Unsqueeze', [p, net.indices(0)]))),
    { axis: 0 },
  );
const unsqueeze = (net, x, ...axes) =>
  axes.reduce((y, axis) => net.op('Unsqueeze', [y, net.indices(axis)]), x);

/** Each head of keys or values `times` times, one behind the other. */
function repeated(net, x, { kv, times, guarded }) {
  const [batch, rows] = [extent(net, x, 0), extent(net, x, 2)];
  let shape = list(net, batch, kv, times, rows, head);
  if (guarded) {
    // An extent of -1 would be that of the input.
    const zeros = net.op('Cast', [net.op('ConstantOfShape', [net.indices(5)])], { to: 7 });
    const minus = net.op('Sub', [zeros, net.indices(1)]);
    shape = net.op('Where', [net.op('Equal', [shape, minus]), net.op('Neg', [minus]), shape]);
  }
  const wide = net.op('Expand', [unsqueeze(net, x, 2), shape]);
  return net.op('Reshape', [wide, list(net, batch, kv * times, rows, head)]);
}

/** Rotary embedding; `counted`: where halves end is computed. Tables are of a batch item's positions, or of all items'. */
function rotary(net, x, [cos, sin], { counted }) {
  const half = counted ? list(net, net.op('Div', [extent(net, x, 3), net.index(2)])) : net.indices(head / 2);
  const end = net.tensor('int64', [1], ['9223372036854775807']);
  const first = net.op('Slice', [x, net.indices(0), half, net.indices(3)]);
  const second = net.op('Slice', [x, half, end, net.indices(3)]);
  const turned = net.op('Concat', [net.op('Neg', [second]), first], { axis: -1 });
  return net.op('Add', [net.op('Mul', [x, cos]), net.op('Mul', [turned, sin])]);
}

/** What the mask does to the scores, by its form. */
const masks = {
  added(net, scores, keep, before, rows) {
    const total = net.op('Add', [before, rows]);
    const columns = net.op('Range', [net.index(0), total, net.index(1)]);
    const lines = net.op('Range', [before, total, net.index(1)]);
    const late = net.op('Greater', [unsqueeze(net, columns, 0), unsqueeze(net, lines, 1)]);
    const causal = unsqueeze(net, net.op('Where', [late, net.number(lowest), net.number(0)]), 0, 1);
    const hidden = net.op('Equal', [unsqueeze(net, keep, 1, 2), net.index(0)]);
    return net.op('Add', [scores, net.op('Where', [hidden, net.number(lowest), causal])]);
  },
  chosen(net, scores, keep, before, rows) {
    const triangle = Array.from({ length: 1024 }, (_, i) => (i % 32 <= i >> 5 ? 1 : 0));
    const whole = net.op('Cast', [net.tensor('int64', [1, 1, 32, 32], triangle)], { to: 9 });
    const total = list(net, net.op('Add', [before, rows]));
    const part = net.op('Slice', [whole, list(net, before), total, net.indices(2)]);
    const causal = net.op('Slice', [part, net.indices(0), total, net.indices(3)]);
    const seen = net.op('Where', [causal, scores, net.number(lowest)]);
    const hidden = net.op('Sub', [net.number(1), net.op('Cast', [unsqueeze(net, keep, 1, 2)], { to: 1 })]);
    return net.op('Add', [seen, net.op('Mul', [hidden, net.number(lowest)])]);
  },
  hidden(net, scores, keep) {
    const hidden = net.op('Equal', [unsqueeze(net, keep, 1, 2), net.index(0)]);
    return net.op('Where', [hidden, net.number(Number.NEGATIVE_INFINITY), scores]);
  },
  // Rows that see nothing are NaN, and zeros then.
  guarded(net, scores, keep) {
    const seen = net.op('Cast', [unsqueeze(net, keep, 1, 2)], { to: 9 });
    const mask = net.op('Where', [
      seen,
      net.tensor('float32', [1], [0]),
      net.tensor('float32', [1], [Number.NEGATIVE_INFINITY]),
    ]);
    const weights = net.op('Softmax', [net.op('Add', [scores, mask])], { axis: -1 });
    return net.op('Where', [net.op('IsNaN', [weights]), net.tensor('float32', [1], [0]), weights]);
  },
  plain(net, scores, keep) {
    return net.op('Add', [scores, net.op('Cast', [unsqueeze(net, keep, 1, 2)], { to: 1 })]);
  },
};

/** Keys with rows and size exchanged while batch and heads are one. */
function flatTurned(net, k) {
  const [batch, heads, rows, size] = [0, 1, 2, 3].map((axis) => extent(net, k, axis));
  const flat = net.op('Reshape', [k, list(net, -1, rows, size)]);
  const turned = net.op('Transpose', [flat], { perm: [0, 2, 1] });
  return net.op('Reshape', [turned, list(net, batch, heads, size, rows)]);
}

/** Queries times keys by the root of their size, which is taken from a shape. */
function product(net, q, k, computed) {
  const turned = computed === 'flat' ? flatTurned(net, k) : net.op('Transpose', [k], { perm: [0, 1, 3, 2] });
  if (!computed) return net.op('Div', [net.op('MatMul', [q, turned]), net.number(Math.sqrt(head))]);
  const end = net.tensor('int64', [1], ['9223372036854775807']);
  const size = net.op('Slice', [net.op('Shape', [q]), net.indices(-1), end]);
  const root = net.op('Sqrt', [net.op('Cast', [size], { to: 1 })]);
  const scale = net.op('Sqrt', [net.op('Div', [net.tensor('float32', [1], [1]), root])]);
  return net.op('MatMul', [net.op('Mul', [q, scale]), net.op('Mul', [turned, scale])]);
}

function attention({ heads, kv, mask, guarded = false, rotate, computed = false }) {
  const net = new Network('attention', 1, 13);
  let q = net.input('q', 'float32', ['batch', heads, 'sequence', head]);
  let fresh = ['k', 'v'].map((name) => net.input(name, 'float32', ['batch', kv, 'sequence', head]));
  const past = ['pk', 'pv'].map((name) => net.input(name, 'float32', ['batch', kv, 'past', head]));
  const keep = net.input('keep', 'int64', ['rows', 'total']);
  if (rotate) {
    const tables = ['cos', 'sin'].map((name) =>
      net.input(name, 'float32', [rotate.items ? 'batch' : 1, 1, 'sequence', head]),
    );
    q = rotary(net, q, tables, rotate);
    fresh = [rotary(net, fresh[0], tables, rotate), fresh[1]];
  }
  const [k, v] = past.map((old, i) => net.op('Concat', [old, fresh[i]], { axis: 2 }));
  const times = heads / kv;
  const [wide, values] = times > 1 ? [k, v].map((x) => repeated(net, x, { kv, times, guarded })) : [k, v];
  const scaled = product(net, q, wide, computed);
  const scores = masks[mask](net, scaled, keep, extent(net, past[0], 2), extent(net, q, 2));
  const weights = mask === 'guarded' ? scores : net.op('Softmax', [scores], { axis: -1 });
  const y = net.op('MatMul', [weights, values]);
  net.output(net.op('Transpose', [y], { perm: [0, 2, 1, 3] }), 'y', ['b', 's', heads, head]);
  return net.bytes();
}

/** `padding`: hidden keys at the start of each row; `keep` overrides the mask. */
function feedsOf({ heads, kv, rotate }, { batch = 1, past, rows, padding = [], keep }) {
  const random = randomNumbers(7);
  const tensor = (...dims) => {
    const length = dims.reduce((product, extent) => product * extent, 1);
    return { type: 'float32', dims, data: Float32Array.from({ length }, () => 4 * random() - 2) };
  };
  keep ??= Array.from({ length: batch }, (_, b) =>
    Array.from({ length: past + rows }, (_, i) => Number(i >= (padding[b] ?? 0))),
  );
  const table = () => tensor(rotate.items ? batch : 1, 1, rows, head);
  return {
    ...(rotate && { cos: table(), sin: table() }),
    q: tensor(batch, heads, rows, head),
    k: tensor(batch, kv, rows, head),
    v: tensor(batch, kv, rows, head),
    pk: tensor(batch, kv, past, head),
    pv: tensor(batch, kv, past, head),
    keep: {
      type: 'int64',
      dims: [keep.length, keep[0].length],
      data: BigInt64Array.from(keep.flat(), BigInt),
    },
  };
}

const runs = [
  { past: 0, rows: 5 },
  { past: 5, rows: 1 },
  { past: 9, rows: 1 },
  { past: 4, rows: 3 },
  { batch: 2, past: 0, rows: 6, padding: [2, 0] },
  { batch: 2, past: 6, rows: 1, padding: [2, 0] },
  { batch: 2, past: 0, rows: 300, padding: [150, 0], long: true },
  // One mask for all of the batch, one column for all keys, a batch that only the mask has.
  { batch: 2, past: 3, rows: 2, keep: [[1, 1, 0, 1, 1]] },
  { past: 3, rows: 2, keep: [[1]] },
  { batch: 2, past: 3, rows: 1, padding: [0, 4], none: true },
  { past: 3, rows: 2, nan: true, none: true },
  {
    past: 2,
    rows: 1,
    keep: [
      [1, 1, 1],
      [0, 1, 1],
      [1, 0, 1],
    ],
  },
];

const runtime = await openRuntime('kinglet-simd');
const judge = await openRuntime('ort-node');
after(() => setTimeout(() => process.exit(), 0).unref());

for (const mask of Object.keys(masks)) {
  for (const sizes of [
    { heads: 4, kv: 2, rotate: { items: true } },
    { heads: 4, kv: 2, rotate: { items: false, counted: true } },
    { heads: 4, kv: 4 },
    { heads: 4, kv: 1, computed: true },
    { heads: 4, kv: 2, computed: 'flat' },
    { heads: 6, kv: 2 },
    { heads: 6, kv: 2, guarded: true },
  ]) {
    test(`mask ${mask}, ${JSON.stringify(sizes)}`, async () => {
      const model = attention({ ...sizes, mask });
      const expected = await judge.create(model);
      const plain = await runtime.create(model, { graphOptimizationLevel: 'disabled' });
      const fused = await runtime.create(model);
      const { text } = await fused.info();
      assert.match(text, /kinglet\.Attention/);
      assert.doesNotMatch(text.slice(0, text.indexOf('\nplan')), / = Expand/);
      assert.equal(text.split('kinglet.RotaryEmbedding').length - 1, sizes.rotate ? 2 : 0);
      for (const run of runs) {
        // NaN of rows that see nothing are of no use.
        if (run.none && mask !== 'guarded') continue;
        if (run.long && mask !== 'added') continue;
        if (run.keep?.length > 1 && sizes.rotate) continue;
        const feeds = feedsOf(sizes, run);
        if (run.nan) feeds.q.data[3] = Number.NaN;
        const { y } = await expected.run(feeds);
        for (const session of [plain, fused]) {
          const got = await session.run(feeds);
          assert.deepEqual([...got.y.dims], [...y.dims]);
          const difference = relativeDifference(got.y, y);
          assert.ok(difference < 1e-5, `${JSON.stringify(run)}: ${difference}`);
        }
      }
      for (const session of [expected, plain, fused]) await session.release();
    });
  }
}
