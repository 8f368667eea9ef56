// Quantisation and integer products: every pair of types.
import { bitsOf, make, numberOf, tensor } from '../tensors.mjs';

const scalar = (type, value) => tensor(type, [], [value]);
const byte = (T, dims, seed = 1) =>
  make(T, dims, { seed, low: T === 'int8' ? -100 : 0, high: T === 'int8' ? 100 : 200 });
const zero = (T, dims = []) => tensor(T, dims, Array(dims[0] ?? 1).fill(T === 'int8' ? -3 : 7));
const scales = (T, list) => tensor(T, [list.length], list);
const narrow = (type) => bitsOf(type) < 8 || type.startsWith('float8');

export const quantised = {
  QuantizeLinear: {
    // A scale is of the input's type or float32.
    link: (types) => ({ ...types, T1: types.T2 === 'int32' ? 'int32' : types.T1 }),
    judge: ({ T1, T2 }) => (T1 === 'float32' && T2 === 'float32' ? undefined : 'numpy'),
    cases: ({ T1, T2, T3 }) => {
      const step = T2 === 'int32' ? 2 : 0.5;
      const values = make(T1, [3, 5], { low: -20, high: 20 });
      const point = (dims) => tensor(T3, dims, Array(dims[0] ?? 1).fill(T3.startsWith('float') ? 0 : 1));
      return [
        { inputs: [values, scalar(T2, step), point([])], outputs: [T3] },
        { inputs: [values, scalar(T2, step)], attributes: { output_dtype: numberOf(T3) }, outputs: [T3] },
        { inputs: [values, scales(T2, [1, 2, 4]), point([3])], attributes: { axis: 0 }, outputs: [T3] },
      ];
    },
  },
  DequantizeLinear: {
    judge: ({ T2 }) => (T2 === 'float32' ? undefined : 'numpy'),
    cases: ({ T1, T2, T3 }) => {
      const values = T1.startsWith('float')
        ? make(T1, [3, 5], { kind: 'unit' })
        : make(T1, [3, 5], { kind: narrow(T1) ? 'any' : 'finite' });
      const point = T1.startsWith('float') || T1 === 'int32' ? null : tensor(T1, [], [1]);
      const attributes = T3 === T2 ? {} : { output_dtype: numberOf(T3) };
      return [
        { inputs: [values, scalar(T2, 0.5), point], attributes, outputs: [T3] },
        {
          inputs: [values, scales(T2, [0.5, 2, 0.25])],
          attributes: { ...attributes, axis: 0 },
          outputs: [T3],
        },
      ];
    },
    link: (types) => (types.T2 === 'float32' ? types : { ...types, T3: types.T2 }),
  },
  DynamicQuantizeLinear: {
    variables: {},
    outputs: 3,
    cases: () =>
      [[7], [3, 5], [2, 33]].map((dims) => ({ inputs: [make('float32', dims, { kind: 'finite' })] })),
  },
  MatMulInteger: {
    judge: 'numpy',
    cases: ({ T1, T2 }) => [
      { inputs: [byte(T1, [3, 5]), byte(T2, [5, 9], 2), zero(T1), zero(T2)] },
      { inputs: [byte(T1, [2, 3, 33]), byte(T2, [33, 4], 2)] },
    ],
  },
  QLinearMatMul: {
    judge: 'numpy',
    defaults: { S: 'float32' },
    cases: ({ T1, T2, T3, S }) => [
      {
        inputs: [
          byte(T1, [3, 5]),
          scalar(S, 0.25),
          zero(T1),
          byte(T2, [5, 9], 2),
          scalar(S, 0.5),
          zero(T2),
          scalar(S, 32),
          zero(T3),
        ],
        outputs: [T3],
      },
    ],
  },
  QLinearConv: {
    judge: 'numpy',
    cases: ({ T1, T2, T3 }) => [
      {
        inputs: [
          byte(T1, [1, 3, 5, 6]),
          scalar('float32', 0.25),
          zero(T1),
          byte(T2, [4, 3, 3, 3], 2),
          scalar('float32', 0.5),
          zero(T2),
          scalar('float32', 64),
          zero(T3),
          tensor('int32', [4], [5, -7, 100, 0]),
        ],
        outputs: [T3],
      },
    ],
  },
};
