// Products, convolutions, pools, normalisations, recurrent layers.
import { f } from '../models.mjs';
import { isFloat, make, numberOf, tensor } from '../tensors.mjs';

const ints = (...values) => tensor('int64', [values.length], values);
/** Sums of products: terms cancel, so what counts is the size of the terms. */
const sums = { atol: ({ T }) => ({ float32: 1e-5, float64: 1e-12, float16: 1e-3, bfloat16: 1e-2 })[T] ?? 0 };
const wide = (T) => (isFloat(T) ? { kind: 'unit' } : { kind: 'any' });

const layer = (list, rest = {}) => ({
  ...sums,
  ...rest,
  cases: ({ T }) =>
    list.map(([shapes, attributes]) => ({
      inputs: shapes.map((dims, i) => dims && make(T, dims, { seed: i + 1, ...wide(T) })),
      attributes,
    })),
});

const positive = (T, dims, seed = 5) => make(T, dims, { seed, low: 0.5, high: 2 });
const unit = (T, dims, seed = 1) => make(T, dims, { seed, kind: 'unit' });

function recurrent(gates, { cell = false } = {}) {
  return {
    ...sums,
    outputs: cell ? 3 : 2,
    cases: ({ T }) => {
      const [steps, batch, size, hidden] = [3, 2, 4, 5];
      const inputs = (directions) => [
        unit(T, [steps, batch, size], 1),
        unit(T, [directions, gates * hidden, size], 2),
        unit(T, [directions, gates * hidden, hidden], 3),
        unit(T, [directions, 2 * gates * hidden], 4),
        null,
        unit(T, [directions, batch, hidden], 5),
        ...(cell ? [unit(T, [directions, batch, hidden], 6)] : []),
      ];
      const lengths = inputs(1);
      lengths[4] = tensor('int32', [batch], [3, 2]);
      return [
        { inputs: inputs(1), attributes: { hidden_size: hidden } },
        { inputs: inputs(2), attributes: { hidden_size: hidden, direction: 'bidirectional' } },
        { inputs: lengths, attributes: { hidden_size: hidden, direction: 'reverse' } },
      ];
    },
  };
}

export const layers = {
  MatMul: layer(
    [
      [[[7], [7]]],
      [
        [
          [3, 5],
          [5, 2],
        ],
      ],
      [
        [
          [2, 3, 33],
          [33, 9],
        ],
      ],
      [
        [
          [2, 1, 3, 4],
          [3, 4, 5],
        ],
      ],
      [[[5], [2, 5, 3]]],
      [
        [
          [0, 3],
          [3, 2],
        ],
      ],
      [
        [
          [2, 0],
          [0, 3],
        ],
      ],
    ],
    { judge: ({ T }) => (isFloat(T) ? undefined : 'numpy') },
  ),
  Gemm: layer(
    [
      [
        [
          [3, 5],
          [5, 9],
        ],
      ],
      [[[3, 5], [5, 9], [9]]],
      [
        [
          [5, 3],
          [9, 5],
          [3, 1],
        ],
        { transA: 1, transB: 1 },
      ],
      [[[17, 33], [33, 8], []], { alpha: f(2), beta: f(3) }],
      [[[0, 3], [3, 2], [2]]],
    ],
    { judge: ({ T }) => (isFloat(T) ? undefined : 'numpy') },
  ),
  Conv: layer([
    [[[1, 3, 7], [4, 3, 3], [4]]],
    [[[1, 3, 9, 7], [5, 3, 3, 3], [5]], { pads: [1, 1, 1, 1] }],
    [[[2, 4, 7, 8], [4, 1, 3, 3], [4]], { group: 4, strides: [2, 2], pads: [1, 1, 1, 1] }],
    [
      [
        [1, 4, 6, 6],
        [6, 2, 2, 2],
      ],
      { group: 2, dilations: [2, 2] },
    ],
    [[[1, 8, 5, 5], [9, 8, 1, 1], [9]]],
    [
      [
        [1, 2, 4, 5, 4],
        [3, 2, 2, 3, 2],
      ],
    ],
    [
      [
        [1, 1, 12, 12],
        [2, 1, 3, 3],
      ],
      { auto_pad: 'SAME_UPPER', strides: [2, 2] },
    ],
  ]),
  ConvTranspose: layer([
    [[[1, 3, 5], [3, 2, 3], [2]]],
    [[[1, 3, 4, 5], [3, 4, 3, 3], [4]], { strides: [2, 2], pads: [1, 1, 1, 1] }],
    [
      [
        [1, 4, 3, 3],
        [4, 2, 2, 2],
      ],
      { group: 2, strides: [2, 2], output_padding: [1, 1] },
    ],
  ]),
  AveragePool: layer([
    [[[1, 2, 9]], { kernel_shape: [3] }],
    [[[1, 3, 7, 9]], { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 1, 1, 1] }],
    [[[1, 3, 7, 9]], { kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }],
    [[[2, 1, 4, 5, 3]], { kernel_shape: [2, 2, 2] }],
  ]),
  MaxPool: {
    ...layer([
      [[[1, 2, 9]], { kernel_shape: [3] }],
      [[[1, 3, 7, 9]], { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 1, 1, 1] }],
      [[[1, 2, 8, 8]], { kernel_shape: [2, 2], dilations: [2, 2], ceil_mode: 1, strides: [3, 3] }],
    ]),
    exact: true,
    outputs: 2,
  },
  LpPool: layer([
    [[[1, 2, 9]], { kernel_shape: [3] }],
    [[[1, 3, 7, 9]], { kernel_shape: [3, 2], strides: [2, 2], p: 1 }],
  ]),
  GlobalAveragePool: layer([[[[2, 3, 7]]], [[[1, 5, 5, 9]]], [[[1, 2, 3, 4, 5]]]]),
  GlobalMaxPool: layer([[[[2, 3, 7]]], [[[1, 5, 5, 9]]]], { exact: true }),
  GlobalLpPool: layer([[[[2, 3, 7]]], [[[1, 5, 5, 9]], { p: 1 }]]),
  MaxRoiPool: {
    opset: 21,
    exact: true,
    cases: ({ T }) => [
      {
        inputs: [unit(T, [1, 2, 6, 6]), tensor(T, [2, 5], [0, 0, 0, 3, 3, 0, 1, 2, 5, 5])],
        attributes: { pooled_shape: [2, 2] },
      },
      {
        inputs: [unit(T, [2, 1, 5, 5]), tensor(T, [1, 5], [1, 0, 1, 4, 4])],
        attributes: { pooled_shape: [1, 3] },
      },
    ],
  },
  // onnxruntime counts places in the wanted output, the specification's example in the one that the kernel gives.
  MaxUnpool: {
    judge: 'numpy',
    exact: true,
    cases: ({ T }) => [
      {
        inputs: [unit(T, [1, 1, 2, 2]), tensor('int64', [1, 1, 2, 2], [5, 7, 13, 15])],
        attributes: { kernel_shape: [2, 2], strides: [2, 2] },
      },
      {
        inputs: [unit(T, [1, 1, 2, 2]), tensor('int64', [1, 1, 2, 2], [5, 7, 13, 15]), ints(1, 1, 5, 5)],
        attributes: { kernel_shape: [2, 2], strides: [2, 2] },
      },
    ],
  },
  LRN: layer([
    [[[1, 5, 3, 3]], { size: 3 }],
    [[[2, 7, 4, 2]], { size: 5, alpha: f(0.5), beta: f(0.75), bias: f(2) }],
  ]),
  BatchNormalization: {
    ...sums,
    cases: ({ T, T1, T2 }) =>
      [
        [2, 3],
        [2, 3, 5],
        [1, 4, 3, 9],
        [0, 3, 2],
      ].map((dims) => ({
        inputs: [
          unit(T, dims),
          positive(T1, [dims[1]]),
          unit(T1, [dims[1]], 3),
          unit(T2, [dims[1]], 4),
          positive(T2, [dims[1]], 7),
        ],
        attributes: { epsilon: f(0.001) },
      })),
  },
  InstanceNormalization: {
    ...sums,
    cases: ({ T }) =>
      [
        [2, 3, 5],
        [1, 4, 3, 9],
      ].map((dims) => ({ inputs: [unit(T, dims), positive(T, [dims[1]]), unit(T, [dims[1]], 3)] })),
  },
  // onnxruntime computes float64 as float32.
  GroupNormalization: {
    ...sums,
    judge: ({ T }) => (T === 'float64' ? 'numpy' : undefined),
    cases: ({ T }) =>
      [
        [2, 4, 5],
        [1, 6, 3, 9],
      ].map((dims) => ({
        inputs: [unit(T, dims), positive(T, [dims[1]]), unit(T, [dims[1]], 3)],
        attributes: { num_groups: 2 },
      })),
  },
  LayerNormalization: {
    ...sums,
    judge: ({ U }) => (U === 'float32' ? undefined : 'numpy'),
    cases: ({ T, U }) => [
      {
        inputs: [unit(T, [3, 7]), positive(T, [7]), unit(T, [7], 3)],
        attributes: { stash_type: numberOf(U) },
        outputs: [T, U, U],
      },
      { inputs: [unit(T, [2, 3, 33]), positive(T, [33])] },
      { inputs: [unit(T, [2, 3, 5]), positive(T, [3, 5])], attributes: { axis: 1, epsilon: f(0.01) } },
    ],
  },
  RMSNormalization: {
    atol: ({ V }) => sums.atol({ T: V }),
    defaults: {},
    cases: ({ T, V }) => [
      { inputs: [unit(T, [3, 7]), positive(V, [7])] },
      { inputs: [unit(T, [2, 3, 33]), positive(V, [33])], attributes: { epsilon: f(0.01) } },
    ],
  },
  SimplifiedLayerNormalization: {
    ...sums,
    opset: 17,
    judge: ({ U }) => (U === 'float32' ? undefined : 'numpy'),
    cases: ({ T, U }) => [
      {
        inputs: [unit(T, [3, 7]), positive(T, [7])],
        attributes: { stash_type: numberOf(U) },
        outputs: [T, U],
      },
      { inputs: [unit(T, [2, 3, 33]), positive(T, [33])], attributes: { epsilon: f(0.01) } },
    ],
  },
  LpNormalization: layer([[[[3, 7]]], [[[3, 5]], { axis: 0, p: 1 }]]),
  MeanVarianceNormalization: layer([[[[2, 3, 4, 5]]], [[[2, 3, 4, 5]], { axes: [2, 3] }]]),
  RNN: recurrent(1),
  GRU: recurrent(3),
  LSTM: recurrent(4, { cell: true }),
};
