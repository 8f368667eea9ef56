// com.microsoft operators besides attention, and experimental ones of the first opsets of ai.onnx.
import { ints, noise, tensor } from './model.mjs';
import * as references from './references.mjs';

export const rows = [];

/** Rows `op: name` with attributes, inputs and more. */
const add = (op, name, attributes, inputs, more = {}) => rows.push({ op, name, attributes, inputs, ...more });
const label = (dims) => dims.join('x');
const shapes3 = [
  [1, 1, 2],
  [2, 5, 16],
  [3, 17, 30],
];

// Matrix products
for (const [b, m, k, n] of [
  [1, 1, 3, 1],
  [2, 5, 7, 4],
  [3, 18, 33, 21],
]) {
  const dims = label([b, m, k, n]);
  for (const op of ['FusedMatMul', 'TransposeMatMul']) {
    add(op, `${dims} plain`, {}, [noise([b, m, k]), noise([b, k, n], { seed: 2 })]);
    add(op, `${dims} alpha`, { alpha: 0.3 }, [noise([b, m, k]), noise([k, n], { seed: 2 })]);
    add(op, `${dims} transA`, { transA: 1 }, [noise([b, k, m]), noise([b, k, n], { seed: 2 })]);
    add(op, `${dims} transB`, { transB: 1 }, [noise([b, m, k]), noise([b, n, k], { seed: 2 })]);
  }
  add('FusedMatMul', `${dims} transBatchA`, { transBatchA: 1 }, [
    noise([m, b, k]),
    noise([b, k, n], { seed: 2 }),
  ]);
  add('FusedMatMul', `${dims} transBatchB`, { transBatchB: 1 }, [
    noise([b, m, k]),
    noise([k, b, n], { seed: 2 }),
  ]);
  add('FusedMatMul', `${dims} transBatchA transA`, { transBatchA: 1, transA: 1 }, [
    noise([k, b, m]),
    noise([b, k, n], { seed: 2 }),
  ]);
  add(
    'FusedMatMul',
    `${dims} float64`,
    {},
    [noise([b, m, k], { type: 'float64' }), noise([b, k, n], { type: 'float64', seed: 2 })],
    {
      outputs: ['float64'],
    },
  );
  const gemm = [noise([m, k]), noise([k, n], { seed: 2 }), noise([n], { seed: 3 })];
  for (const activation of [
    'Relu',
    'Sigmoid',
    'Tanh',
    'LeakyRelu',
    'HardSigmoid',
    'Elu',
    'Softplus',
    'Softsign',
    'ThresholdedRelu',
    'ScaledTanh',
  ]) {
    const more =
      {
        HardSigmoid: { activation_alpha: 0.3, activation_beta: 0.4 },
        ScaledTanh: { activation_alpha: 1.5, activation_beta: 0.7 },
        ThresholdedRelu: { activation_alpha: 0.3 },
        LeakyRelu: { activation_alpha: 0.2 },
        Elu: { activation_alpha: 0.7 },
      }[activation] ?? {};
    add('FusedGemm', `${dims} ${activation}`, { activation, ...more }, gemm);
  }
  add('FusedGemm', `${dims} none`, {}, gemm, { judged: { op: 'Gemm', domain: '' } });
  add('FusedGemm', `${dims} all`, { activation: 'Relu', alpha: 0.5, beta: 0.25, transA: 1, transB: 1 }, [
    noise([k, m]),
    noise([n, k], { seed: 2 }),
    noise([m, n], { seed: 3 }),
  ]);
}

// Convolutions
for (const [n, c, f, h, w] of [
  [1, 1, 1, 3, 3],
  [2, 4, 6, 9, 7],
  [1, 8, 16, 17, 12],
]) {
  const dims = label([n, c, f, h, w]);
  const conv = [noise([n, c, h, w]), noise([f, c, 3, 3], { seed: 2 }), noise([f], { seed: 3 })];
  const kinds = {
    Relu: [],
    Sigmoid: [],
    Tanh: [],
    LeakyRelu: [0.2],
    Clip: [-0.4, 0.6],
    HardSigmoid: [0.3, 0.4],
  };
  for (const [activation, params] of Object.entries(kinds)) {
    const activation_params = Object.assign([...params], { float: true });
    add(
      'FusedConv',
      `${dims} ${activation}`,
      { activation, ...(params.length ? { activation_params } : {}), pads: [1, 1, 1, 1] },
      conv,
    );
  }
  add('FusedConv', `${dims} residual`, { activation: 'Relu', pads: [1, 1, 1, 1] }, [
    ...conv,
    noise([n, f, h, w], { seed: 4 }),
  ]);
  add(
    'FusedConv',
    `${dims} strides`,
    { activation: 'Relu', strides: [2, 2], pads: [1, 0, 1, 0], kernel_shape: [3, 3] },
    conv,
  );
  const transposed = [noise([n, c, h, w]), noise([c, f, 3, 2], { seed: 2 })];
  const pads = ints([1, 0, 0, 1]);
  const bias = noise([f], { seed: 3 });
  add('ConvTransposeWithDynamicPads', `${dims} pads`, { strides: [2, 2] }, [...transposed, pads]);
  add('ConvTransposeWithDynamicPads', `${dims} bias`, { strides: [2, 1] }, [...transposed, pads, bias]);
  add('ConvTransposeWithDynamicPads', `${dims} output_padding`, { strides: [2, 2], output_padding: [1, 0] }, [
    ...transposed,
    pads,
  ]);
}

// Gelu and biases
for (const dims of shapes3) {
  const x = noise(dims, { low: -4, high: 4 });
  const bias = noise([dims[2]], { seed: 2 });
  const name = label(dims);
  add('Gelu', name, {}, [x]);
  add('FastGelu', name, {}, [x]);
  add('FastGelu', `${name} bias`, {}, [x, bias]);
  add('QuickGelu', name, {}, [x]);
  add('QuickGelu', `${name} alpha`, { alpha: 0.7 }, [x]);
  add('BiasGelu', name, {}, [x, bias]);
  add('BiasAdd', name, {}, [x, bias, noise(dims, { seed: 3 })], { expected: references.biasAdd });
  add('BiasSplitGelu', name, {}, [noise(dims, { low: -2, high: 2 }), bias], {
    expected: references.biasSplitGelu,
  });
  add('BiasDropout', name, {}, [x, bias], {
    expected: ({ inputs }) => references.biasAdd({ inputs: [...inputs, noise([1], { low: 0, high: 0 })] }),
  });
  add('BiasDropout', `${name} residual`, {}, [x, bias, noise(dims, { seed: 3 })], {
    expected: references.biasAdd,
  });
  for (const axis of [1, 2])
    add(
      'BiasSoftmax',
      `${name} ${axis}`,
      { axis, is_inner_broadcast: 1 },
      [x, noise([dims[0], 1, dims[2]], { seed: 2 })],
      {
        expected: references.biasSoftmax,
      },
    );
  add(
    'BiasSoftmax',
    `${name} outer`,
    { axis: 2, is_inner_broadcast: 0 },
    [x, noise([dims[1], dims[2]], { seed: 2 })],
    {
      expected: references.biasSoftmax,
    },
  );

  // Normalisations
  const [gamma, beta] = [noise([dims[2]], { seed: 4 }), noise([dims[2]], { seed: 5 })];
  const skip = noise(dims, { seed: 3 });
  const sums = { outputs: ['float32', null, null, 'float32'] };
  add('SkipLayerNormalization', name, { epsilon: 1e-5 }, [x, skip, gamma, beta]);
  add('SkipLayerNormalization', `${name} no beta`, {}, [x, skip, gamma]);
  add('SkipLayerNormalization', `${name} bias, sum`, { epsilon: 1e-3 }, [x, skip, gamma, beta, bias], sums);
  add(
    'SkipLayerNormalization',
    `${name} skip for all`,
    {},
    [x, noise([1, dims[1], dims[2]], { seed: 3 }), gamma, beta],
    sums,
  );
  add('SkipSimplifiedLayerNormalization', name, { epsilon: 1e-5 }, [x, skip, gamma]);
  add('SkipSimplifiedLayerNormalization', `${name} bias, sum`, {}, [x, skip, gamma, bias], sums);
  add('SimplifiedLayerNormalization', name, { epsilon: 1e-5 }, [x, gamma], { domain: '' });
  add(
    'SimplifiedLayerNormalization',
    `${name} axis`,
    { axis: 1, epsilon: 1e-3 },
    [x, noise(dims.slice(1), { seed: 4 })],
    { domain: '' },
  );
  const rms = { domain: '', opset: 23 };
  add('RMSNormalization', name, {}, [x, gamma], rms);
  add(
    'RMSNormalization',
    `${name} axis`,
    { axis: 1, epsilon: 1e-2 },
    [x, noise(dims.slice(1), { seed: 4 })],
    rms,
  );
  add('RMSNormalization', `${name} one scale`, { axis: -2 }, [x, noise([1], { seed: 4 })], rms);
  add(
    'RMSNormalization',
    `${name} float16`,
    {},
    [noise(dims, { type: 'float16' }), noise([dims[2]], { type: 'float16', seed: 4 })],
    {
      ...rms,
      outputs: ['float16'],
      rtol: 4e-3,
      atol: 1e-3,
    },
  );

  const ids = (high, seed) => noise([dims[0], dims[1]], { type: 'int32', low: 0, high, seed });
  const [words, positions, segments] = [11, 20, 2].map((n, i) => noise([n, dims[2]], { seed: 6 + i }));
  const embed = [ids(11, 1), ids(2, 2), words, positions, segments, gamma, beta];
  const two = { outputs: ['float32', 'int32'], constants: [2, 3, 4, 5, 6] };
  add('EmbedLayerNormalization', name, { epsilon: 1e-5 }, embed, two);
  add('EmbedLayerNormalization', `${name} mask`, {}, [...embed, ids(2, 3)], two);
  add(
    'EmbedLayerNormalization',
    `${name} no segments`,
    {},
    [ids(11, 1), null, words, positions, null, gamma, beta],
    two,
  );
  add('EmbedLayerNormalization', `${name} positions, sum`, {}, [...embed, null, ids(20, 4)], {
    ...two,
    outputs: ['float32', 'int32', 'float32'],
  });
}
for (const [n, h, w, c] of [
  [1, 1, 2, 4],
  [2, 3, 5, 8],
  [1, 7, 6, 32],
]) {
  const norm = [noise([n, h, w, c]), noise([c], { seed: 2 }), noise([c], { seed: 3 })];
  const expected = references.groupNorm;
  const name = label([n, h, w, c]);
  for (const activation of [0, 1]) {
    const attributes = { activation, groups: 4 };
    add('GroupNorm', `${name} ${activation}`, attributes, norm, { expected });
    add(
      'GroupNorm',
      `${name} ${activation} channels first`,
      { ...attributes, channels_last: 0, epsilon: 1e-2 },
      [noise([n, c, h, w]), ...norm.slice(1)],
      { expected },
    );
    add('SkipGroupNorm', `${name} ${activation}`, attributes, [...norm, noise([n, h, w, c], { seed: 4 })], {
      expected,
      outputs: ['float32', 'float32'],
    });
    add(
      'SkipGroupNorm',
      `${name} ${activation} skip of 2`,
      attributes,
      [...norm, noise([n, c], { seed: 4 }), noise([c], { seed: 5 })],
      { expected, outputs: ['float32', 'float32'] },
    );
    add(
      'SkipGroupNorm',
      `${name} ${activation} skip of 4`,
      attributes,
      [...norm, noise([n, 1, 1, c], { seed: 4 }), noise([c], { seed: 5 })],
      { expected },
    );
  }
}

// Position biases
for (const [buckets, heads, q, k] of [
  [8, 1, 1, 1],
  [32, 4, 7, 12],
  [16, 3, 40, 33],
]) {
  for (const is_bidirectional of [0, 1]) {
    for (const max_distance of [20, 128])
      add(
        'RelativePositionBias',
        `${label([buckets, heads, q, k])} ${is_bidirectional} ${max_distance}`,
        { is_bidirectional, max_distance },
        [noise([buckets, heads]), ints([q]), ints([k])],
        { expected: references.relativePositionBias },
      );
  }
}
for (const [b, s, n, h, d] of [
  [1, 1, 1, 2, 2],
  [2, 5, 3, 4, 8],
  [1, 9, 2, 8, 6],
])
  add(
    'GatedRelativePositionBias',
    label([b, s, n, h, d]),
    { num_heads: n },
    [
      noise([b, s, n * h]),
      noise([n * h], { seed: 2 }),
      noise([1, n, s, s], { seed: 3 }),
      noise([h, d], { seed: 4 }),
      noise([d], { seed: 5 }),
      noise([1, n, 1, 1], { seed: 6 }),
    ],
    {
      expected: references.gatedRelativePositionBias,
    },
  );

// Matrices
for (const dims of [
  [1, 1],
  [3, 4, 4],
  [2, 2, 7, 7],
])
  for (const type of ['float32', 'float64'])
    add('Inverse', `${label(dims)} ${type}`, {}, [noise(dims, { type })], {
      outputs: [type],
      rtol: 2e-4,
      atol: 1e-4,
    });

// Forms of ai.onnx
for (const [dims, axis] of [
  [[3], 0],
  [[2, 3], -1],
  [[2, 3, 4], 1],
])
  add('ExpandDims', `${label(dims)} ${axis}`, {}, [noise(dims), tensor('int32', [], [axis])]);
for (const type of ['int32', 'int64']) {
  add('GatherND', `rows ${type}`, {}, [noise([3, 4]), ints([1, 0, 2], type, [3, 1])]);
  add('GatherND', `elements ${type}`, {}, [noise([3, 4]), ints([1, 0, 2, 3], type, [2, 2])]);
  add('GatherND', `of three ${type}`, {}, [noise([2, 3, 4]), ints([1, 0, 0, 2], type, [2, 1, 2])]);
}
for (const mode of ['bilinear', 'nearest', 'bicubic'])
  for (const padding_mode of ['zeros', 'border', 'reflection'])
    for (const align_corners of [0, 1]) {
      // onnxruntime-node moves places outside to the border before it takes cubic neighbours; the specification only moves those.
      const reach = mode === 'bicubic' && padding_mode === 'border' ? 0.7 : 1.3;
      const grid = noise([2, 4, 3, 2], { seed: 2, low: -reach, high: reach });
      const name = `${mode} ${padding_mode} ${align_corners}`;
      add('GridSample', name, { mode, padding_mode, align_corners }, [noise([2, 3, 5, 6]), grid], {
        rtol: 1e-4,
        atol: 1e-5,
      });
    }
for (const mode of ['constant', 'reflect', 'edge']) {
  add('Pad', `${mode} 1`, { mode }, [noise([5]), ints([1, 2])]);
  add('Pad', `${mode} 2`, { mode }, [
    noise([3, 4]),
    ints([1, 0, 2, 1], 'int64', [1, 4]),
    tensor('float32', [1], [7]),
  ]);
  add('Pad', `${mode} 3`, { mode }, [noise([2, 3, 4]), ints([0, 1, 1, 1, 0, 2])]);
}
add('Range', 'float', {}, [
  tensor('float32', [], [0.5]),
  tensor('float32', [], [4]),
  tensor('float32', [], [0.75]),
]);
add('Range', 'down', {}, [tensor('int32', [], [5]), tensor('int32', [], [-3]), tensor('int32', [], [-2])], {
  outputs: ['int32'],
});
add('Range', 'no delta', {}, [tensor('int64', [], [2]), tensor('int64', [], [7])], { outputs: ['int64'] });
for (const dims of [
  [1, 1],
  [3, 5],
  [2, 4, 3],
])
  for (const upper of [0, 1]) {
    add('Trilu', `${label(dims)} ${upper}`, { upper }, [noise(dims)]);
    add('Trilu', `${label(dims)} ${upper} k`, { upper }, [noise(dims), ints([1], 'int64', [])]);
  }
add('Unique', 'some', {}, [tensor('float32', [6], [2, 1, 1, 3, 4, 3])], {
  outputs: ['float32', 'int64', 'int64'],
});
add('Unique', 'one', {}, [tensor('float32', [1], [2])], { outputs: ['float32', 'int64', 'int64'] });
add(
  'Unique',
  'many',
  {},
  [noise([40], { type: 'int32', low: 0, high: 9 })].map((t) => tensor('float32', t.dims, t.data)),
  { outputs: ['float32', 'int64', 'int64'] },
);
const embedding = ({ inputs: [w, i] }) => ({
  o0: tensor(
    'float32',
    [...i.dims, w.dims[1]],
    [...i.data].flatMap((row) => [...w.data.slice(Number(row) * w.dims[1], (Number(row) + 1) * w.dims[1])]),
  ),
});
for (const dims of [[1], [3, 2], [2, 1, 4]])
  add('TorchEmbedding', label(dims), {}, [noise([7, 3]), noise(dims, { type: 'int64', low: 0, high: 7 })], {
    expected: embedding,
  });
for (const [dims, dim, size, step] of [
  [[5], 0, 2, 1],
  [[2, 9, 3], 1, 4, 2],
  [[3, 10], -1, 3, 3],
])
  add('UnfoldTensor', `${label(dims)} ${dim} ${size} ${step}`, { dim, size, step }, [noise(dims)], {
    expected: references.unfold,
  });

// Pictures
const first = { domain: '', opset: 8 };
for (const dims of [
  [1, 1, 4, 5],
  [2, 3, 8, 7],
  [1, 4, 16, 16],
]) {
  const x = noise(dims);
  add('Crop', `${label(dims)} border`, { border: [1, 0, 2, 1] }, [x], first);
  add('Crop', `${label(dims)} scale`, { border: [1, 1, 0, 0], scale: [2, 3] }, [x], first);
  add(
    'ImageScaler',
    label(dims),
    {
      scale: 0.5,
      bias: Object.assign(
        Array.from({ length: dims[1] }, (_, i) => i + 0.25),
        { float: true },
      ),
    },
    [x],
    first,
  );
  const rois = tensor('float32', [3, 4], [0, 0, 1, 1, 0.2, 0.1, 0.7, 0.9, -0.2, 0.5, 1.2, 0.3]);
  for (const mode of ['bilinear', 'nearest'])
    for (const size of [
      [1, 1],
      [3, 5],
    ])
      add('CropAndResize', `${label(dims)} ${mode} ${size}`, { mode, extrapolation_value: 0.5 }, [
        x,
        rois,
        ints([0, dims[0] - 1, 0], 'int32'),
        ints(size, 'int32'),
      ]);
}

// Text
for (const type of ['int32', 'uint32', 'int64', 'uint64', 'float32', 'float64'])
  for (const positive of [0, 1])
    add(
      'MurmurHash3',
      `${type} ${positive}`,
      { positive, seed: 7 },
      [noise([3, 4], { type, low: 0, high: 1000 })],
      { outputs: [positive ? 'uint32' : 'int32'] },
    );
add('MurmurHash3', 'text', {}, [tensor('string', [6], ['', 'a', 'ab', 'abc', 'abcd', 'Größe und Länge'])], {
  outputs: ['uint32'],
});
for (const [b, length, tokens, ngram_size] of [
  [1, 4, 5, 1],
  [2, 12, 4, 2],
  [3, 30, 3, 3],
  [1, 2, 4, 5],
])
  add('NGramRepeatBlock', label([b, length, tokens, ngram_size]), { ngram_size }, [
    noise([b, length], { type: 'int64', low: 0, high: tokens }),
    noise([b, tokens], { seed: 2 }),
  ]);
for (const dims of [
  [1, 1],
  [4, 6],
  [1, 9, 5],
  [20, 31],
])
  add('DynamicTimeWarping', label(dims), {}, [noise(dims, { low: 0 })], { outputs: ['int32'] });
for (const [words, letters, filters, window, size] of [
  [1, 2, 1, 2, 1],
  [4, 6, 5, 3, 4],
  [7, 9, 8, 2, 3],
]) {
  const x = noise([words, letters], { type: 'int32', low: 0, high: 9 });
  for (let w = 0; w < words; w++)
    x.data.set(
      x.data
        .slice(w * letters, (w + 1) * letters)
        .sort()
        .reverse(),
      w * letters,
    );
  add('WordConvEmbedding', label([words, letters, filters, window, size]), {}, [
    x,
    noise([filters, 1, window, size], { seed: 2 }),
    noise([filters], { seed: 3 }),
    noise([9, size], { seed: 4 }),
  ]);
}
