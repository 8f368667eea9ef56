// Attention operators of ai.onnx and com.microsoft.
import { float, ints, noise, tensor } from './model.mjs';

const shapes = [
  { b: 1, n: 1, s: 1, l: 1, h: 4, v: 4 },
  { b: 2, n: 2, s: 3, l: 5, h: 8, v: 6 },
  { b: 1, n: 4, s: 17, l: 23, h: 16, v: 16 },
  { b: 2, n: 3, s: 70, l: 131, h: 10, v: 12 },
];
const label = (dims) => Object.values(dims).join('x');
const boolean = (dims, seed) => {
  const t = noise(dims, { type: 'bool', seed, low: 0, high: 2 });
  // Every query sees its first key.
  for (let i = 0; i < t.data.length; i += dims.at(-1)) t.data[i] = 1;
  return t;
};

/** Tensors of [batch, rows, heads * size] as one of [batch, rows, heads, count, size]. */
function packed(tensors, heads) {
  const [b, rows, hidden] = tensors[0].dims;
  const size = hidden / heads;
  const data = new Float32Array(b * rows * hidden * tensors.length);
  for (let i = 0; i < data.length; i++) {
    const row = Math.floor(i / (hidden * tensors.length));
    const head = Math.floor(i / (size * tensors.length)) % heads;
    data[i] = tensors[Math.floor(i / size) % tensors.length].data[row * hidden + head * size + (i % size)];
  }
  return { type: 'float32', dims: [b, rows, heads, tensors.length, size], data };
}

const onnx = [];
for (const d of shapes) {
  const { b, n, s, l, h, v } = d;
  const four = [
    noise([b, n, s, h], { seed: 1 }),
    noise([b, n, l, h], { seed: 2 }),
    noise([b, n, l, v], { seed: 3 }),
  ];
  const add = (name, attributes, inputs, more = {}) =>
    onnx.push({
      op: 'Attention',
      domain: '',
      opset: 23,
      name: `${label(d)} ${name}`,
      attributes,
      inputs,
      ...more,
    });
  add('plain', {}, four);
  add('scale', { scale: 0.3 }, four);
  add('softcap', { softcap: 0.5 }, four);
  add('bool mask 2-D', {}, [...four, boolean([s, l], 5)]);
  add('bool mask 4-D', {}, [...four, boolean([b, 1, s, l], 5)]);
  add('float mask 4-D', {}, [...four, noise([b, n, s, l], { seed: 5 })]);
  add('float mask 3-D', {}, [...four, noise([n, s, l], { seed: 5 })]);
  add('float mask and softcap', { softcap: 0.5 }, [...four, noise([s, l], { seed: 5 })]);
  add('softmax_precision', { softmax_precision: 1 }, four);
  const self = [four[0], noise([b, n, s, h], { seed: 2 }), noise([b, n, s, v], { seed: 3 })];
  add('causal', { is_causal: 1 }, self);
  add('causal and mask', { is_causal: 1 }, [...self, noise([s, s], { seed: 5 })]);
  const past = [noise([b, n, l, h], { seed: 7 }), noise([b, n, l, v], { seed: 8 })];
  const three = { outputs: ['float32', 'float32', 'float32'] };
  add('past', {}, [...self, null, ...past], three);
  add('past, causal', { is_causal: 1 }, [...self, null, ...past], three);
  add('past and mask', {}, [...self, noise([s, l + s], { seed: 5 }), ...past], three);
  for (const mode of [0, 1, 2, 3]) {
    add(
      `scores ${mode}`,
      { qk_matmul_output_mode: mode, softcap: 2.5, scale: 1.5 },
      [...four, noise([s, l], { seed: 5 })],
      {
        outputs: ['float32', null, null, 'float32'],
      },
    );
  }
  add(
    'float16',
    {},
    [
      noise([b, n, s, h], { seed: 1, type: 'float16' }),
      noise([b, n, l, h], { seed: 2, type: 'float16' }),
      noise([b, n, l, v], { seed: 3, type: 'float16' }),
    ],
    { outputs: ['float16'], rtol: 4e-3, atol: 1e-3 },
  );
  add('scores 2, causal', { qk_matmul_output_mode: 2, is_causal: 1 }, self, {
    hidden: 'o3',
    outputs: ['float32', null, null, 'float32'],
  });
  const none = boolean([s, l], 5);
  none.data.fill(0, 0, l);
  add('bool mask that hides a row', {}, [...four, none]);
  const short = noise([s, l + s - 1], { seed: 5 });
  const padded = tensor('float32', [s, l + s], Array(s * (l + s)).fill(-Infinity));
  for (let i = 0; i < s; i++)
    padded.data.set(short.data.slice(i * (l + s - 1), (i + 1) * (l + s - 1)), i * (l + s));
  add('short mask', {}, [...self, short, ...past], {
    ...three,
    judged: { inputs: [...self, padded, ...past] },
  });
  add(
    'float64',
    { is_causal: 1 },
    [
      noise([b, n, s, h], { seed: 1, type: 'float64' }),
      noise([b, n, l, h], { seed: 2, type: 'float64' }),
      noise([b, n, l, v], { seed: 3, type: 'float64' }),
      null,
      noise([b, n, 2, h], { seed: 4, type: 'float64' }),
      noise([b, n, 2, v], { seed: 5, type: 'float64' }),
    ],
    { outputs: ['float64', 'float64', 'float64'] },
  );
  const lengths = ints(Array.from({ length: b }, (_, i) => Math.max(1, l - i)));
  add('lengths', {}, [...four, null, null, null, lengths], { opset: 24 });
  if (l >= s + b)
    add('lengths, causal', { is_causal: 1 }, [...four, null, null, null, lengths], { opset: 24 });
  const grouped = [
    noise([b, s, 2 * n * h], { seed: 1 }),
    noise([b, l, n * h], { seed: 2 }),
    noise([b, l, n * v], { seed: 3 }),
  ];
  add('3-D, heads in groups', { q_num_heads: 2 * n, kv_num_heads: n }, grouped);
  add('3-D, one key head', { q_num_heads: 2 * n, kv_num_heads: 1 }, [
    grouped[0],
    noise([b, l, h], { seed: 2 }),
    noise([b, l, v], { seed: 3 }),
  ]);
  add(
    '3-D, past, causal',
    { q_num_heads: 2 * n, kv_num_heads: n, is_causal: 1 },
    [grouped[0], noise([b, s, n * h], { seed: 2 }), noise([b, s, n * v], { seed: 3 }), null, ...past],
    three,
  );
}

const rotary = [];
for (const [b, n, s, h] of [
  [1, 1, 1, 4],
  [2, 3, 5, 8],
  [1, 2, 7, 18],
]) {
  const cos = noise([11, h / 2], { seed: 2 });
  const sin = noise([11, h / 2], { seed: 3 });
  const positions = noise([b, s], { seed: 4, type: 'int64', low: 0, high: 11 });
  const short = [noise([11, 2], { seed: 2 }), noise([11, 2], { seed: 3 })];
  for (const interleaved of [0, 1]) {
    const name = (text) => `${b}x${n}x${s}x${h} ${interleaved ? 'interleaved' : 'halves'} ${text}`;
    const four = noise([b, n, s, h]);
    const three = noise([b, s, n * h]);
    const standard = { op: 'RotaryEmbedding', domain: '', opset: 23 };
    rotary.push(
      { ...standard, name: name('4-D'), attributes: { interleaved }, inputs: [four, cos, sin, positions] },
      {
        ...standard,
        name: name('3-D'),
        attributes: { interleaved, num_heads: n },
        inputs: [three, cos, sin, positions],
      },
      {
        ...standard,
        name: name('part'),
        attributes: { interleaved, num_heads: n, rotary_embedding_dim: 4 },
        inputs: [three, ...short, positions],
      },
      {
        ...standard,
        name: name('no positions'),
        attributes: { interleaved },
        inputs: [four, noise([b, s, h / 2], { seed: 2 }), noise([b, s, h / 2], { seed: 3 })],
      },
    );
    const microsoft = { op: 'RotaryEmbedding' };
    rotary.push(
      { ...microsoft, name: name('4-D'), attributes: { interleaved }, inputs: [four, positions, cos, sin] },
      { ...microsoft, name: name('3-D'), attributes: { interleaved }, inputs: [three, positions, cos, sin] },
      {
        ...microsoft,
        name: name('start'),
        attributes: { interleaved },
        inputs: [three, ints([3]), cos, sin],
      },
      {
        ...microsoft,
        name: name('part'),
        attributes: { interleaved, num_heads: n, rotary_embedding_dim: 4 },
        inputs: [three, positions, ...short],
      },
      {
        ...microsoft,
        name: name('scale'),
        attributes: { interleaved, scale: 0.5 },
        inputs: [four, positions, cos, sin],
      },
    );
  }
}

const multiHead = [];
for (const d of shapes) {
  const { b, n, s, l, h, v } = d;
  const add = (name, attributes, inputs, more = {}) =>
    multiHead.push({
      op: 'MultiHeadAttention',
      name: `${label(d)} ${name}`,
      attributes: { num_heads: n, ...attributes },
      inputs,
      ...more,
    });
  const qkv = [
    noise([b, s, n * h], { seed: 1 }),
    noise([b, l, n * h], { seed: 2 }),
    noise([b, l, n * v], { seed: 3 }),
  ];
  const bias = noise([n * (2 * h + v)], { seed: 4 });
  add('plain', {}, qkv);
  add('scale', { scale: 0.25 }, qkv);
  add('bias', {}, [...qkv, bias]);
  const lengths = ints(
    Array.from({ length: b }, (_, i) => Math.max(1, l - i - 1)),
    'int32',
  );
  add('lengths', {}, [...qkv, null, lengths]);
  add('lengths, filter', { mask_filter_value: -2.5 }, [...qkv, null, lengths]);
  add('padding mask', {}, [
    ...qkv,
    null,
    { ...boolean([b, l], 6), type: 'int32', data: Int32Array.from(boolean([b, l], 6).data) },
  ]);
  add('3-D mask', {}, [
    ...qkv,
    null,
    { type: 'int32', dims: [b, s, l], data: Int32Array.from(boolean([b, s, l], 6).data) },
  ]);
  add('attention_bias', {}, [...qkv, null, null, noise([b, n, s, l], { seed: 5 })]);
  add('attention_bias, one for all', {}, [...qkv, bias, null, noise([1, n, s, l], { seed: 5 })]);
  add('keys by heads', {}, [qkv[0], noise([b, n, l, h], { seed: 2 }), noise([b, n, l, h], { seed: 3 })]);
  const self = [qkv[0], noise([b, s, n * h], { seed: 2 }), noise([b, s, n * h], { seed: 3 })];
  add('unidirectional', { unidirectional: 1 }, self);
  const past = [noise([b, n, l, h], { seed: 7 }), noise([b, n, l, h], { seed: 8 })];
  const three = { outputs: ['float32', 'float32', 'float32'] };
  add('present', {}, self, three);
  add('scores', {}, [...qkv, bias, lengths], { outputs: ['float32', null, null, 'float32'] });
  // onnxruntime-node does not take packed forms.
  add('packed', {}, [packed(self, n)], { judged: { inputs: self } });
  add(
    'packed, bias, past',
    {},
    [packed(self, n), null, null, noise([3 * n * h], { seed: 4 }), null, null, ...past],
    {
      ...three,
      judged: { inputs: [...self, noise([3 * n * h], { seed: 4 }), null, null, ...past] },
    },
  );
  const keys = [qkv[1], noise([b, l, n * h], { seed: 3 })];
  add('packed keys', {}, [qkv[0], packed(keys, n)], { judged: { inputs: [qkv[0], ...keys] } });
  add('past', {}, [...self, noise([3 * n * h], { seed: 4 }), null, null, ...past], three);
  add('past, unidirectional', { unidirectional: 1 }, [...self, null, null, null, ...past], three);
  add('past and bias', {}, [...self, null, null, noise([1, n, s, l + s], { seed: 5 }), ...past], three);
}

const attention = [];
for (const d of shapes) {
  const { b, n, s, l, h } = d;
  const add = (name, attributes, inputs, more = {}) =>
    attention.push({
      op: 'Attention',
      name: `${label(d)} ${name}`,
      attributes: { num_heads: n, ...attributes },
      inputs,
      constants: [1, 2],
      ...more,
    });
  const x = noise([b, s, 6], { seed: 1 });
  const w = noise([6, 3 * n * h], { seed: 2 });
  const bias = noise([3 * n * h], { seed: 3 });
  const mask = (dims) => ({ type: 'int32', dims, data: Int32Array.from(boolean(dims, 6).data) });
  add('plain', {}, [x, w, bias]);
  // onnxruntime-node does not survive a missing bias.
  add('no bias', {}, [x, w], { judged: { inputs: [x, w, noise([3 * n * h], { low: 0, high: 0 })] } });
  add('scale', { scale: 0.3 }, [x, w, bias]);
  add('unidirectional', { unidirectional: 1 }, [x, w, bias]);
  add('ends', {}, [x, w, bias, ints(Array(b).fill(Math.max(1, s - 1)), 'int32')]);
  add('ends and starts', {}, [
    x,
    w,
    bias,
    ints([...Array(b).fill(s), ...Array(b).fill(s > 1 ? 1 : 0)], 'int32'),
  ]);
  add('2-D mask', {}, [x, w, bias, mask([b, s])]);
  add('2-D mask, filter', { mask_filter_value: -3.5 }, [x, w, bias, mask([b, s])]);
  add('3-D mask', {}, [x, w, bias, mask([b, s, s])]);
  add('mask, unidirectional', { unidirectional: 1 }, [x, w, bias, mask([b, s])]);
  add('attention_bias', {}, [x, w, bias, null, null, noise([b, n, s, s], { seed: 5 })]);
  add('attention_bias, one head for all', {}, [x, w, bias, null, null, noise([1, 1, s, s], { seed: 5 })]);
  const past = noise([2, b, n, l, h], { seed: 7 });
  const two = { outputs: ['float32', 'float32'] };
  add('present', {}, [x, w, bias], two);
  add('past', {}, [x, w, bias, null, past], two);
  add('past, unidirectional', { unidirectional: 1 }, [x, w, bias, null, past], two);
  add('past, 2-D mask', { unidirectional: 1 }, [x, w, bias, mask([b, l + s]), past], two);
  // onnxruntime-node does not take four dimensions: the part that counts, in three.
  const wide = l + s + 2;
  const four = mask([b, 1, wide, wide]);
  const part = { type: 'int32', dims: [b, s, l + s], data: new Int32Array(b * s * (l + s)) };
  for (let i = 0; i < part.data.length; i++) {
    const row = Math.floor(i / (l + s));
    const at = (Math.floor(row / s) * wide + l + (row % s)) * wide + (i % (l + s));
    part.data[i] = four.data[at];
  }
  add('4-D mask', {}, [x, w, bias, four, past], { ...two, judged: { inputs: [x, w, bias, part, past] } });
  add('other value size', { qkv_hidden_sizes: [n * h, n * h, n * 2] }, [
    x,
    noise([6, n * (2 * h + 2)], { seed: 2 }),
    noise([n * (2 * h + 2)], { seed: 3 }),
  ]);
}

const decoder = [];
for (const { b, n, l, h } of shapes) {
  const room = l + 3;
  const qkv = [
    noise([b, 1, n * h], { seed: 1 }),
    noise([b, 1, n * h], { seed: 2 }),
    noise([b, 1, n * h], { seed: 3 }),
  ];
  const past = [noise([b, n, room, h], { seed: 7 }), noise([b, n, room, h], { seed: 8 })];
  const common = { op: 'DecoderMaskedMultiHeadAttention', outputs: ['float32', 'float32', 'float32'] };
  const attributes = { num_heads: n, past_present_share_buffer: 1 };
  const length = ints([l], 'int32');
  const mask = { type: 'int32', dims: [b, l + 1], data: Int32Array.from(boolean([b, l + 1], 6).data) };
  decoder.push(
    {
      ...common,
      name: `${b}x${n}x${l}x${h} cache`,
      attributes,
      inputs: [...qkv, null, null, ...past, length],
    },
    {
      ...common,
      name: `${b}x${n}x${l}x${h} mask`,
      attributes,
      inputs: [...qkv, mask, null, ...past, length],
    },
    {
      ...common,
      name: `${b}x${n}x${l}x${h} bias`,
      attributes,
      inputs: [
        ...qkv,
        null,
        noise([1, n, 1, l + 1], { seed: 9 }),
        ...past,
        length,
        null,
        null,
        noise([3 * n * h], { seed: 4 }),
      ],
    },
    {
      ...common,
      name: `${b}x${n}x${l}x${h} cross`,
      attributes: { num_heads: n },
      inputs: [qkv[0], noise([b, n, l, h], { seed: 2 }), noise([b, n, l, h], { seed: 3 })],
      outputs: ['float32'],
    },
  );
}

const grouped = [];
for (const [b, n, kv, s, past, room, h] of [
  [1, 2, 1, 1, 4, 4, 16],
  [1, 4, 2, 5, 0, 0, 16],
  [3, 4, 2, 1, 6, 12, 16],
  [2, 6, 2, 70, 0, 0, 32],
  [1, 3, 3, 4, 70, 90, 16],
]) {
  const q = noise([b, s, n * h], { seed: 1 });
  const k = noise([b, s, kv * h], { seed: 2 });
  const v = noise([b, s, kv * h], { seed: 3 });
  const cache = room
    ? [noise([b, kv, room, h], { seed: 4 }), noise([b, kv, room, h], { seed: 5 })]
    : [null, null];
  const total = past + s;
  // Later batch items have less behind them.
  const last = ints(
    Array.from({ length: b }, (_, i) => (past ? Math.max(s, total - i) : total) - 1),
    'int32',
  );
  const rest = [last, tensor('int32', [1], [total])];
  const angles = [noise([100, h / 2], { seed: 6 }), noise([100, h / 2], { seed: 7 })];
  const add = (name, attributes, inputs, more = {}) =>
    grouped.push({
      op: 'GroupQueryAttention',
      name: `${[b, n, kv, s, past, room, h].join('x')} ${name}`,
      attributes: { num_heads: n, kv_num_heads: kv, ...attributes },
      inputs,
      outputs: ['float32', 'float32', 'float32'],
      ...more,
    });
  const plain = [q, k, v, ...cache, ...rest];
  add('plain', {}, plain);
  add('constant total', {}, plain, { constants: [6] });
  add('packed', {}, [noise([b, s, (n + 2 * kv) * h], { seed: 1 }), null, null, ...cache, ...rest]);
  add('scale', { scale: 0.2 }, plain);
  add('softcap', { softcap: float(2) }, plain);
  add('smooth', { smooth_softmax: 1 }, plain);
  add('window', { local_window_size: 3 }, plain);
  add('rotary', { do_rotary: 1 }, [...plain, ...angles]);
  add('rotary interleaved', { do_rotary: 1, rotary_interleaved: 1 }, [...plain, ...angles]);
  add('rotary packed', { do_rotary: 1 }, [
    noise([b, s, (n + 2 * kv) * h], { seed: 1 }),
    null,
    null,
    ...cache,
    ...rest,
    ...angles,
  ]);
  add('sink', {}, [...plain, null, null, null, null, noise([n], { seed: 8 })]);
  add('attention_bias', {}, [...plain, null, null, null, noise([1, 1, s, total], { seed: 9 })]);
  // Scores behind an item's own keys are left as they were by onnxruntime-node.
  for (const qk_output of past && b > 1 ? [] : [1, 2])
    add(`scores ${qk_output}`, { qk_output }, plain, {
      outputs: ['float32', 'float32', 'float32', 'float32'],
    });
}

export const rows = [...onnx, ...rotary, ...multiHead, ...attention, ...decoder, ...grouped];
