// Elementwise operators: shapes around the lane counts, broadcasting, and the ends of every type.
import { f } from '../models.mjs';
import { isFloat, isInteger, isSigned, make, tensor } from '../tensors.mjs';

const shapes = [[], [0, 3], [7], [3, 5], [2, 17]];
const pairs = [
  [[7], [7]],
  [
    [3, 1],
    [1, 5],
  ],
  [[], [9]],
  [[0, 3], [1]],
  [[2, 3, 17], [17]],
];

/** `inputs`: options of `make` for one input */
const unary = (inputs, attributes, rest = {}) => ({
  ...rest,
  cases: ({ T }) => [
    ...shapes.map((dims, i) => ({ inputs: [make(T, dims, { seed: i, ...inputs })], attributes })),
    { inputs: [make(T, [33])], attributes },
  ],
});

const binary = (rest = {}) => ({
  ...rest,
  cases: ({ T }) =>
    pairs.map(([a, b], i) => ({
      inputs: [make(T, a, { seed: i, kind: i % 2 ? 'finite' : 'any' }), make(T, b, { seed: i + 50 })],
      attributes: rest.attributes,
    })),
});

const variadic = (rest = {}) => ({
  ...rest,
  cases: ({ T }) => {
    const of = (dims, seed) => make(T, dims, { seed, kind: rest.kind });
    return [
      { inputs: [of([5], 1)] },
      { inputs: [of([9], 2), of([9], 3)] },
      { inputs: [of([3, 1], 4), of([1, 6], 5), of([], 6)] },
      { inputs: [of([0, 2], 7), of([1, 2], 8)] },
    ];
  },
});

// Where a logarithm or a root makes half a step of the input large, a step of the result is large too.
const functions = {};
const plain =
  'Floor Ceil Round Sqrt Reciprocal Exp Log Tanh Sigmoid Sin Cos Tan Atan Sinh Cosh Asinh Softsign HardSwish Mish Softplus';
for (const op of plain.split(' ')) functions[op] = unary({ kind: 'finite' });
for (const op of ['Asin', 'Acos', 'Atanh']) functions[op] = unary({ kind: 'unit' });
functions.Acosh = unary({ low: 1, high: 9 });
for (const op of ['Abs', 'Neg', 'Relu', 'BitwiseNot']) functions[op] = unary({ kind: 'any' });
// onnxruntime gives 0 for NaN in some types.
functions.Sign = unary({ kind: 'any' }, undefined, { judge: 'numpy' });

export const elementwise = {
  ...functions,
  Erf: unary({ kind: 'finite' }, undefined, { judge: ({ T }) => (isFloat(T) ? undefined : 'numpy') }),
  LeakyRelu: unary({ kind: 'finite' }, { alpha: f(0.25) }),
  ThresholdedRelu: unary({ kind: 'finite' }, { alpha: f(0.5) }),
  Elu: unary({ kind: 'finite' }, { alpha: f(1.5) }),
  Selu: unary({ kind: 'finite' }),
  Celu: unary({ kind: 'finite' }, { alpha: f(1.5) }),
  HardSigmoid: unary({ kind: 'finite' }, { alpha: f(0.25), beta: f(0.5) }),
  Swish: unary({ kind: 'finite' }, { alpha: f(1.5) }, { opset: 24, judge: 'numpy' }),
  Shrink: {
    cases: ({ T }) => [
      ...shapes.map((dims, i) => ({ inputs: [make(T, dims, { seed: i, kind: 'whole' })] })),
      {
        inputs: [make(T, [11], { kind: 'whole' })],
        attributes: { lambd: f(1.5), bias: f(isSigned(T) || isFloat(T) ? 1 : 0) },
      },
    ],
  },
  // onnxruntime's float64 has constants of float32.
  Gelu: {
    judge: ({ T }) => (T === 'float64' ? 'numpy' : undefined),
    cases: ({ T }) =>
      ['none', 'tanh'].flatMap((approximate) =>
        [[], [0], [7], [33]].map((dims) => ({
          inputs: [make(T, dims, { kind: 'finite' })],
          attributes: { approximate },
        })),
      ),
  },
  Not: unary({}, undefined, { variables: { T: ['bool'] } }),
  IsNaN: unary({}, undefined),
  IsInf: {
    cases: ({ T }) => [
      ...shapes.map((dims) => ({ inputs: [make(T, dims)] })),
      { inputs: [make(T, [9])], attributes: { detect_negative: 0 } },
      { inputs: [make(T, [9])], attributes: { detect_positive: 0 } },
    ],
  },
  Add: binary(),
  Sub: binary(),
  Mul: binary(),
  // onnxruntime traps where an integer is divided by zero.
  Div: binary({ judge: ({ T }) => (isInteger(T) ? 'numpy' : undefined) }),
  Mod: {
    judge: 'numpy',
    cases: ({ T }) => {
      const forms = isInteger(T) ? [0, 1] : [1];
      return forms.flatMap((fmod) =>
        pairs.map(([a, b], i) => ({
          inputs: [
            make(T, a, { seed: i, kind: i % 2 ? 'finite' : 'any' }),
            make(T, b, { seed: i + 50, kind: isFloat(T) ? 'positive' : 'any' }),
          ],
          attributes: { fmod },
        })),
      );
    },
  },
  And: binary(),
  Or: binary(),
  Xor: binary(),
  BitwiseAnd: binary(),
  BitwiseOr: binary(),
  BitwiseXor: binary(),
  Equal: binary(),
  Greater: binary(),
  GreaterOrEqual: binary(),
  Less: binary(),
  LessOrEqual: binary(),
  // By the width of the type and more, the result is 0.
  BitShift: {
    judge: 'numpy',
    cases: ({ T }) =>
      ['LEFT', 'RIGHT'].flatMap((direction) => [
        {
          inputs: [make(T, [9]), tensor(T, [9], [0, 1, 7, 8, 15, 16, 31, 63, 64])],
          attributes: { direction },
        },
        { inputs: [make(T, [3, 5]), make(T, [5], { low: 0, high: 9 })], attributes: { direction } },
        { inputs: [make(T, [0]), make(T, [1])], attributes: { direction } },
      ]),
  },
  PRelu: {
    cases: ({ T }) => [
      { inputs: [make(T, [7]), make(T, [7], { seed: 2, kind: 'finite' })] },
      { inputs: [make(T, [2, 3, 5], { kind: 'finite' }), make(T, [3, 1], { seed: 2, kind: 'finite' })] },
      { inputs: [make(T, [0, 3]), make(T, [1])] },
    ],
  },
  Max: variadic({ kind: 'any' }),
  Min: variadic({ kind: 'any' }),
  Sum: variadic({ kind: 'unit' }),
  Mean: variadic({ kind: 'unit' }),
  Pow: {
    cases: ({ T, T1 }) => {
      const base = isFloat(T) ? { low: 0.5, high: 3 } : { low: isSigned(T) ? -3 : 0, high: 4 };
      const exponent =
        isFloat(T1) && isFloat(T) ? { low: -2, high: 2.5 } : { low: 0, high: 3, kind: 'whole' };
      const of = (dims) =>
        isFloat(T1) && !isFloat(T)
          ? tensor(T1, dims, Array.from(make('int32', dims, exponent).data))
          : make(T1, dims, exponent);
      return [
        [[7], [7]],
        [
          [3, 1],
          [1, 5],
        ],
        [[33], []],
        [[0], [1]],
      ].map(([a, b]) => ({ inputs: [make(T, a, base), of(b)] }));
    },
  },
  Clip: {
    cases: ({ T }) => {
      const scalar = (value) => tensor(T, [], [value]);
      return [
        ...shapes.map((dims) => ({ inputs: [make(T, dims), scalar(1), scalar(3)] })),
        { inputs: [make(T, [9]), null, scalar(2)], judge: 'numpy' },
        { inputs: [make(T, [9]), scalar(2)], judge: 'numpy' },
        // Without bounds nothing changes; onnxruntime makes infinities the largest numbers.
        { inputs: [make(T, [9])], judge: 'numpy' },
      ];
    },
  },
  // onnxruntime loses the sign of zero and the smallest numbers.
  Where: {
    judge: 'numpy',
    exact: true,
    cases: ({ T }) => [
      { inputs: [make('bool', [7]), make(T, [7]), make(T, [7], { seed: 2 })] },
      { inputs: [make('bool', [3, 1]), make(T, [1, 5]), make(T, [])] },
      { inputs: [make('bool', [1]), make(T, [0, 3]), make(T, [1, 3])] },
    ],
  },
};
