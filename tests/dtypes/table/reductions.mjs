// Reductions, scans along an axis, and what orders elements.
import { isFloat, make, tensor } from '../tensors.mjs';

const ints = (...values) => tensor('int64', [values.length], values);

/** `inputs`: options of `make` */
const reduce = (inputs, rest = {}) => ({
  ...rest,
  cases: ({ T }) => {
    const of = (dims, seed) =>
      make(T, dims, { seed, ...(typeof inputs === 'function' ? inputs(T) : inputs) });
    return [
      { inputs: [of([], 1)] },
      { inputs: [of([7], 2)] },
      { inputs: [of([3, 5], 3), ints(1)] },
      { inputs: [of([3, 5], 4), ints(0)], attributes: { keepdims: 0 } },
      { inputs: [of([2, 3, 17], 5), ints(0, -1)] },
      { inputs: [of([2, 3, 4], 6), ints(1)], attributes: { keepdims: 0 } },
      { inputs: [of([3, 5], 7)], attributes: { noop_with_empty_axes: 1 }, judge: 'numpy' },
      ...(rest.empty === false ? [] : [{ inputs: [of([0, 3], 8), ints(0)], judge: 'numpy' }]),
    ];
  },
});

const arg = {
  cases: ({ T }) => [
    { inputs: [make(T, [7], { kind: 'finite' })] },
    { inputs: [make(T, [3, 5], { kind: 'small' })], attributes: { axis: 1 } },
    {
      inputs: [make(T, [3, 5], { kind: 'small' })],
      attributes: { axis: -1, select_last_index: 1, keepdims: 0 },
    },
    { inputs: [make(T, [2, 33, 3], { kind: 'finite' })], attributes: { axis: 1 } },
  ],
};

const small = { kind: 'whole', low: 0, high: 3 };
const along = (list, kind = 'finite') => ({
  cases: ({ T }) => list.map(([dims, attributes]) => ({ inputs: [make(T, dims, { kind })], attributes })),
});

export const reductions = {
  ReduceSum: reduce({ kind: 'finite' }),
  ReduceMean: reduce({ kind: 'finite' }, { empty: false }),
  ReduceProd: reduce({ kind: 'finite', low: 1, high: 2 }),
  // Among NaN, onnxruntime's result depends on the place.
  ReduceMax: reduce({ kind: 'any' }, { judge: 'numpy' }),
  ReduceMin: reduce({ kind: 'any' }, { judge: 'numpy' }),
  ReduceL1: reduce({ kind: 'finite' }),
  ReduceL2: reduce({ kind: 'finite' }),
  ReduceSumSquare: reduce({ kind: 'finite' }),
  ReduceLogSum: reduce({ kind: 'positive' }),
  ReduceLogSumExp: reduce((T) => (isFloat(T) ? { kind: 'finite' } : { low: 0, high: 20 }), {
    empty: false,
    judge: ({ T }) => (isFloat(T) ? undefined : 'numpy'),
  }),
  ArgMax: arg,
  ArgMin: arg,
  Hardmax: along([[[7]], [[3, 5], { axis: 0 }], [[2, 3, 17]], [[0, 3]]]),
  Softmax: along([[[7]], [[3, 5], { axis: 0 }], [[2, 3, 17]], [[2, 33]], [[0, 3]]]),
  LogSoftmax: along([[[7]], [[3, 5], { axis: 0 }], [[2, 3, 17]], [[2, 33]], [[0, 3]]]),
  CumSum: {
    cases: ({ T, axis }) => {
      const at = (value) => tensor(axis, [], [value]);
      const of = (dims) => make(T, dims, { kind: isFloat(T) ? 'unit' : 'any' });
      return [
        { inputs: [of([9]), at(0)] },
        { inputs: [of([3, 5]), at(-1)], attributes: { exclusive: 1 } },
        { inputs: [of([3, 5]), at(0)], attributes: { reverse: 1 } },
        { inputs: [of([2, 7]), at(1)], attributes: { reverse: 1, exclusive: 1 } },
        { inputs: [of([0, 3]), at(1)] },
      ];
    },
  },
  TopK: {
    outputs: 2,
    exact: true,
    cases: ({ T }) => [
      { inputs: [make(T, [9], { kind: 'finite' }), ints(3)] },
      { inputs: [make(T, [3, 5], { kind: 'small' }), ints(4)], attributes: { axis: -1, largest: 0 } },
      { inputs: [make(T, [6, 3], small), ints(2)], attributes: { axis: 0 } },
      { inputs: [make(T, [3, 5]), ints(0)] },
    ],
  },
  Range: {
    judge: ({ T }) => (/^(float(32|64)|int)/.test(T) ? undefined : 'numpy'),
    cases: ({ T }) => {
      const at = (value) => tensor(T, [], [value]);
      const rows = [
        [1, 10, 2],
        [10, 1, -3],
        [3, 3, 1],
        [0, 19, 1],
      ];
      if (isFloat(T)) rows.push([0.5, 3, 0.25]);
      return rows.map((row) => ({ inputs: row.map(at) }));
    },
  },
};
