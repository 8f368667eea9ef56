// Operators that move elements: every type, the same bits.
import { typesOf } from '../signature.mjs';
import { make, numberOf, tensor } from '../tensors.mjs';

const ints = (...values) => tensor('int64', [values.length], values);
const scalar = (value) => tensor('int64', [], [value]);

/** One input, other inputs that are the same for all types, and attributes. */
const moves = (list, rest = {}) => ({
  exact: true,
  ...rest,
  cases: ({ T, I = 'int64' }) =>
    list.map(([dims, others = [], attributes = {}], i) => ({
      inputs: [make(T, dims, { seed: i + 1 }), ...others.map((o) => (typeof o === 'function' ? o(T, I) : o))],
      attributes,
    })),
});
const of =
  (dims, seed = 9) =>
  (T) =>
    make(T, dims, { seed });
const index = (dims, values) => (_, I) => tensor(I, dims, values);
const list = (...values) => index([values.length], values);

export const movement = {
  Identity: moves([[[]], [[0, 2]], [[7]], [[3, 5]]], { variables: { T: typesOf('all') } }),
  Shape: moves([[[]], [[0, 2]], [[3, 5, 2], [], { start: 1, end: -1 }]]),
  Size: moves([[[]], [[0, 2]], [[3, 5]]]),
  Reshape: moves([
    [[], [ints(1, 1)]],
    [[2, 9], [ints(3, -1)]],
    [[5, 3], [ints(0, 3)]],
    [[0, 3], [ints(3, 0)], { allowzero: 1 }],
  ]),
  Flatten: moves([
    [[], [], { axis: 0 }],
    [[3, 5, 2], [], { axis: 2 }],
    [[0, 4], [], { axis: 0 }],
    [[3, 5], [], { axis: -1 }],
  ]),
  Squeeze: moves([[[1, 3, 1]], [[1, 3, 1], [ints(-1)]], [[1], []]]),
  Unsqueeze: moves([
    [[], [ints(0)]],
    [[3, 5], [ints(0, -1)]],
    [[0], [ints(1)]],
  ]),
  Transpose: moves([
    [[]],
    [[3, 5]],
    [[2, 3, 5], [], { perm: [1, 2, 0] }],
    [[4, 17, 3], [], { perm: [0, 2, 1] }],
    [[0, 3]],
  ]),
  Concat: moves([
    [[3, 5], [], { axis: 0 }],
    [[3, 5], [of([3, 2])], { axis: 1 }],
    [[5, 3], [of([0, 3]), of([2, 3])], { axis: -2 }],
    [[1, 33, 3], [of([1, 33, 1])], { axis: -1 }],
  ]),
  Expand: moves([
    [[], [ints(5)]],
    [[3, 1], [ints(2, 1, 7)]],
    [[1, 5], [ints(3, 1)]],
    [[1], [ints(0)]],
  ]),
  Tile: moves([
    [[3, 5], [ints(2, 3)]],
    [[7], [ints(0)]],
    [[], [tensor('int64', [0], [])]],
  ]),
  Slice: moves([
    [[9], [list(1), list(8), list(0), list(3)]],
    [
      [3, 5],
      [list(-1), list(-4), list(0), list(-1)],
    ],
    [
      [5, 7],
      [list(1, 2), list(100, -1)],
    ],
    [
      [4, 4],
      [list(3), list(1), list(1)],
    ],
  ]),
  Split: {
    exact: true,
    cases: ({ T }) => [
      { inputs: [make(T, [7, 3]), ints(3, 0, 4)], outputs: [T, T, T], constants: [1] },
      { inputs: [make(T, [3, 5])], attributes: { axis: 1, num_outputs: 2 }, outputs: [T, T] },
    ],
  },
  Gather: moves(
    [
      [[5, 3], [index([], [2])]],
      [[5, 3], [index([2, 2], [-1, 0, 4, 1])], { axis: 0 }],
      [[2, 7], [list(6, 0, 3)], { axis: -1 }],
      [[5, 3], [index([0], [])]],
    ],
    // onnxruntime-node mixes strings up.
    { judge: ({ T }) => (T === 'string' ? 'numpy' : undefined) },
  ),
  GatherElements: moves([
    [[3, 5], [index([2, 5], [0, 1, 2, 0, 1, -1, -2, -3, 0, 1])]],
    [[3, 5], [index([3, 2], [0, 4, -1, 2, 3, 3])], { axis: 1 }],
  ]),
  GatherND: moves([
    [[3, 5], [tensor('int64', [2, 2], [0, 4, -1, 1])]],
    [[3, 5], [tensor('int64', [2, 1], [1, 0])]],
    [[2, 3, 4], [tensor('int64', [2, 1], [1, 2])], { batch_dims: 1 }],
  ]),
  ScatterElements: {
    exact: true,
    cases: ({ T, I }) => [
      { inputs: [make(T, [3, 5]), tensor(I, [1, 5], [0, 1, 2, 0, -1]), make(T, [1, 5], { seed: 2 })] },
      {
        inputs: [make(T, [3, 5]), tensor(I, [3, 1], [4, 0, 2]), make(T, [3, 1], { seed: 2 })],
        attributes: { axis: 1 },
      },
      ...reductions(T).map((reduction) => ({
        inputs: [
          make(T, [7], { kind: 'small' }),
          tensor(I, [4], [1, 1, 3, -1]),
          make(T, [4], { seed: 2, kind: 'small' }),
        ],
        attributes: { reduction },
        judge: 'numpy',
      })),
    ],
  },
  Scatter: {
    exact: true,
    opset: 10,
    cases: ({ T, I }) => [
      { inputs: [make(T, [3, 5]), tensor(I, [1, 5], [0, 1, 2, 0, 2]), make(T, [1, 5], { seed: 2 })] },
      {
        inputs: [make(T, [3, 5]), tensor(I, [3, 1], [4, 0, 2]), make(T, [3, 1], { seed: 2 })],
        attributes: { axis: 1 },
      },
    ],
  },
  ScatterND: {
    exact: true,
    cases: ({ T }) => [
      { inputs: [make(T, [3, 5]), tensor('int64', [2, 1], [0, -1]), make(T, [2, 5], { seed: 2 })] },
      { inputs: [make(T, [7]), tensor('int64', [3, 1], [1, 6, 3]), make(T, [3], { seed: 2 })] },
      ...reductions(T).map((reduction) => ({
        inputs: [
          make(T, [7], { kind: 'small' }),
          tensor('int64', [4, 1], [1, 1, 3, 6]),
          make(T, [4], { seed: 2, kind: 'small' }),
        ],
        attributes: { reduction },
        judge: 'numpy',
      })),
    ],
  },
  Pad: {
    exact: true,
    cases: ({ T, I }) => [
      { inputs: [make(T, [3, 5]), ints(1, 0, 0, 2)] },
      { inputs: [make(T, [3, 5]), ints(1, 2), make(T, []), tensor(I, [1], [-1])] },
      { inputs: [make(T, [7]), ints(-2, 3), make(T, [])] },
      ...['reflect', 'edge', 'wrap'].map((mode) => ({
        inputs: [make(T, [3, 5]), ints(1, 2, 2, 1)],
        attributes: { mode },
      })),
    ],
  },
  CenterCropPad: moves([
    [[3, 5], [list(5, 3)]],
    [[3, 6], [list(4)], { axes: [1] }],
  ]),
  Compress: moves([
    [[7], [tensor('bool', [7], [1, 0, 1, 1, 0, 0, 1])]],
    [[3, 5], [tensor('bool', [3], [0, 1, 1])], { axis: 1 }],
    [[3, 5], [tensor('bool', [6], [0, 1, 1, 0, 0, 1])]],
  ]),
  DepthToSpace: moves([
    [[1, 8, 2, 3], [], { blocksize: 2 }],
    [[1, 8, 2, 3], [], { blocksize: 2, mode: 'CRD' }],
  ]),
  SpaceToDepth: moves([[[1, 2, 4, 6], [], { blocksize: 2 }]]),
  ReverseSequence: moves([
    [[4, 3, 2], [ints(4, 2, 1)]],
    [[3, 5], [ints(5, 1, 3)], { batch_axis: 0, time_axis: 1 }],
  ]),
  Trilu: moves([[[3, 5]], [[5, 3], [scalar(1)], { upper: 0 }], [[2, 3, 3], [scalar(-1)]], [[0, 4]]]),
  // Of a scalar: shape [0, 1] or [0, 0], which onnxruntime has otherwise.
  NonZero: moves([[[]], [[0, 3]], [[7]], [[3, 5]]], { judge: 'numpy' }),
  OneHot: {
    exact: true,
    cases: ({ T1, T2, T3 }) => [
      { inputs: [tensor(T1, [3], [0, 2, 1]), tensor(T2, [], [4]), make(T3, [2])] },
      {
        inputs: [tensor(T1, [2, 2], [3, 9, 0, 1]), tensor(T2, [1], [4]), make(T3, [2], { seed: 4 })],
        attributes: { axis: 1 },
      },
    ],
  },
  EyeLike: {
    exact: true,
    cases: ({ T1, T2 }) => [
      { inputs: [make(T1, [3, 5])], attributes: { dtype: numberOf(T2) }, outputs: [T2] },
      { inputs: [make(T1, [5, 3])], attributes: { dtype: numberOf(T2), k: -1 }, outputs: [T2] },
    ],
  },
  Unique: {
    exact: true,
    cases: ({ T }) => {
      const outputs = [T, 'int64', 'int64', 'int64'];
      const values = repeating(T);
      return [
        { inputs: [values], outputs },
        { inputs: [values], attributes: { sorted: 0 }, outputs },
        { inputs: [{ ...values, dims: [4, 2] }], attributes: { axis: 0 }, outputs },
      ];
    },
  },
  Constant: {
    exact: true,
    cases: ({ T }) =>
      [[], [7], [0, 2]].map((dims) => ({ inputs: [], attributes: { value: make(T, dims) }, outputs: [T] })),
  },
  ConstantOfShape: {
    exact: true,
    cases: ({ T }) =>
      [ints(3, 5), ints(0), tensor('int64', [0], [])].map((shape) => ({
        inputs: [shape],
        attributes: { value: make(T, [1], { seed: 3, kind: 'small' }) },
        outputs: [T],
      })),
  },
  // Coordinates are float32 whatever the elements are.
  Resize: {
    rtol: ({ T }) => (T === 'float64' ? 1e-5 : undefined),
    atol: ({ T }) => (T === 'float64' ? 1e-6 : undefined),
    cases: ({ T, R }) => {
      const scales = (...v) => tensor('float32', [v.length], v);
      const linear = /^(float(32|64|16)|bfloat16)$/.test(T);
      return [
        {
          inputs: [make(T, [1, 1, 3, 5]), null, null, ints(1, 1, 6, 7)],
          attributes: { mode: 'nearest' },
          exact: true,
        },
        {
          inputs: [make(T, [1, 2, 4, 3]), null, scales(1, 1, 0.5, 2)],
          attributes: {
            mode: 'nearest',
            coordinate_transformation_mode: 'asymmetric',
            nearest_mode: 'floor',
          },
          exact: true,
        },
        {
          inputs: [
            make(T, [1, 1, 4, 4]),
            tensor(R, [8], [0, 0, 0.25, 0.25, 1, 1, 0.75, 0.75]),
            null,
            ints(1, 1, 3, 3),
          ],
          attributes: { mode: 'nearest', coordinate_transformation_mode: 'tf_crop_and_resize' },
          exact: true,
        },
        ...(linear
          ? ['linear', 'cubic'].map((mode) => ({
              inputs: [make(T, [1, 1, 3, 5], { kind: 'finite' }), null, scales(1, 1, 2, 1.5)],
              attributes: { mode },
            }))
          : []),
      ];
    },
  },
};

/** A reduction needs arithmetic. */
function reductions(T) {
  if (/^(float(16|32|64)|bfloat16|u?int(8|16|32|64))$/.test(T)) return ['add', 'mul', 'max', 'min'];
  return [];
}

function repeating(T) {
  if (T === 'string') return tensor(T, [8], ['b', 'a', 'b', 'c', 'a', 'a', '', 'é']);
  if (T === 'bool') return tensor(T, [8], [1, 0, 1, 1, 0, 1, 0, 0]);
  const wide = T.startsWith('int')
    ? [3, -1, 3, 2, -1, -1, 0, 2]
    : T === 'float4e2m1' || T === 'float8e8m0'
      ? [2, 1, 2, 4, 1, 1, 4, 2]
      : [3, 1, 3, 2, 1, 1, 0, 2];
  return tensor(T, [8], wide);
}
