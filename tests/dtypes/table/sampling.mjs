// Operators on pictures and boxes.
import { f } from '../models.mjs';
import { isFloat, make, tensor } from '../tensors.mjs';

const ints = (...values) => tensor('int64', [values.length], values);
const sums = {
  atol: (types) =>
    ({ float32: 1e-5, float64: 1e-12, float16: 1e-3, bfloat16: 1e-2 })[types.T ?? types.T1] ?? 0,
};

export const sampling = {
  AffineGrid: {
    ...sums,
    cases: ({ T }) => [
      { inputs: [make(T, [1, 2, 3], { kind: 'unit' }), ints(1, 2, 3, 4)] },
      { inputs: [make(T, [2, 2, 3], { kind: 'unit' }), ints(2, 1, 5, 3)], attributes: { align_corners: 1 } },
      { inputs: [make(T, [1, 3, 4], { kind: 'unit' }), ints(1, 2, 2, 3, 4)] },
    ],
  },
  Col2Im: {
    ...sums,
    judge: ({ T }) => (isFloat(T) ? undefined : 'numpy'),
    cases: ({ T }) => [
      { inputs: [make(T, [1, 4, 4], { kind: 'finite' }), ints(3, 3), ints(2, 2)] },
      {
        inputs: [make(T, [2, 6, 4], { kind: 'finite' }), ints(4, 6), ints(2, 3)],
        attributes: { strides: [2, 3] },
      },
    ],
  },
  GridSample: {
    ...sums,
    cases: ({ T1, T2 }) => {
      const grid = make(T2, [1, 3, 4, 2], { kind: 'unit', seed: 3 });
      const modes = isFloat(T1) ? ['nearest', 'linear', 'cubic'] : ['nearest'];
      return modes.flatMap((mode) => [
        { inputs: [make(T1, [1, 2, 5, 4], { kind: 'finite' }), grid], attributes: { mode } },
        {
          inputs: [make(T1, [1, 2, 5, 4], { kind: 'finite' }), grid],
          attributes: { mode, align_corners: 1, padding_mode: 'border' },
        },
      ]);
    },
  },
  RoiAlign: {
    opset: 21,
    ...sums,
    cases: ({ T }) =>
      ['avg', 'max'].map((mode) => ({
        inputs: [
          make(T, [1, 2, 6, 6], { kind: 'unit' }),
          tensor(T, [2, 4], [0, 0, 4, 4, 1, 2, 5, 5]),
          ints(0, 0),
        ],
        attributes: { mode, output_height: 2, output_width: 3, sampling_ratio: 2, spatial_scale: f(1) },
      })),
  },
  NonMaxSuppression: {
    variables: {},
    exact: true,
    cases: () => [
      {
        inputs: [
          tensor('float32', [1, 4, 4], [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 2, 1, 3, 0, 2.1, 1, 3.1]),
          tensor('float32', [1, 1, 4], [0.9, 0.75, 0.6, 0.95]),
          ints(3),
          tensor('float32', [1], [0.5]),
          tensor('float32', [1], [0]),
        ],
      },
    ],
  },
};
