// Windows, transforms, sums by equation, determinants, losses.
import { isFloat, make, numberOf, tensor } from '../tensors.mjs';

const sums = {
  atol: ({ T }) => ({ float32: 2e-5, float64: 1e-11, float16: 4e-3, bfloat16: 4e-2 })[T] ?? 0,
};
const unit = (T, dims, seed = 1) => make(T, dims, { seed, kind: 'unit' });
const scalar = (type, value) => tensor(type, [], [value]);

const window = {
  ...sums,
  // A value just below a whole number is another integer in float32 and in float64.
  judge: 'numpy',
  cases: ({ T, size }) =>
    [1, 0].flatMap((periodic) =>
      (isFloat(T) ? [1 + 6 * (1 - periodic), 8, 33] : [5]).map((length) => ({
        inputs: [scalar(size, length)],
        attributes: { periodic, output_datatype: numberOf(T) },
        outputs: [T],
      })),
    ),
};

const loss = (op) => ({
  ...sums,
  cases: ({ T, I }) => {
    const labels = tensor(I, [3], [1, 0, 4]);
    return [
      ...['mean', 'sum', 'none'].map((reduction) => ({
        inputs: [unit(T, [3, 5]), labels, make(T, [5], { low: 0.5, high: 2 })],
        attributes: { reduction },
      })),
      { inputs: [unit(T, [3, 5]), labels], attributes: { ignore_index: 0 } },
      { inputs: [unit(T, [2, 3, 4]), tensor(I, [2, 4], [0, 1, 2, 1, 2, 2, 0, 1])] },
      ...(op === 'SoftmaxCrossEntropyLoss' ? [{ inputs: [unit(T, [3, 5]), labels], outputs: [T, T] }] : []),
    ];
  },
});

export const signal = {
  BlackmanWindow: window,
  HammingWindow: window,
  HannWindow: window,
  DFT: {
    ...sums,
    cases: ({ T, dft_length: type, axis }) => {
      const at = (value) => scalar(axis ?? 'int64', value);
      const length = (value) => scalar(type ?? 'int64', value);
      return [
        { inputs: [unit(T, [1, 8, 1]), null, at(1)] },
        { inputs: [unit(T, [2, 5, 2]), null, at(1)] },
        { inputs: [unit(T, [1, 8, 1]), length(6), at(1)], attributes: { onesided: 1 } },
        { inputs: [unit(T, [1, 6, 4, 2]), length(8), at(1)], attributes: { inverse: 1 } },
      ];
    },
  },
  STFT: {
    ...sums,
    cases: ({ T, I }) => [
      { inputs: [unit(T, [1, 16, 1]), scalar(I, 4), unit(T, [8], 2)] },
      { inputs: [unit(T, [2, 20, 1]), scalar(I, 5), null, scalar(I, 8)], attributes: { onesided: 0 } },
    ],
  },
  MelWeightMatrix: {
    ...sums,
    cases: ({ T, I, F }) => [
      {
        inputs: [scalar(I, 8), scalar(I, 16), scalar(I, 8192), scalar(F, 0), scalar(F, 4096)],
        attributes: { output_datatype: numberOf(T) },
        outputs: [T],
      },
    ],
  },
  Det: {
    ...sums,
    cases: ({ T }) =>
      [
        [1, 1],
        [3, 3],
        [2, 4, 4],
        [2, 1, 5, 5],
      ].map((dims) => ({ inputs: [unit(T, dims)] })),
  },
  Einsum: {
    ...sums,
    judge: ({ T }) => (isFloat(T) ? undefined : 'numpy'),
    cases: ({ T }) => {
      const of = (dims, seed) => make(T, dims, { seed, kind: isFloat(T) ? 'unit' : 'any' });
      const rows = [
        ['ij,jk->ik', [3, 7], [7, 2]],
        ['ij->', [3, 5]],
        ['ii->i', [4, 4]],
        ['...ij->...ji', [2, 3, 5]],
        ['bij,bjk->bik', [2, 3, 5], [2, 5, 4]],
        ['i,j', [3], [4]],
      ];
      return rows.map(([equation, ...shapes]) => ({
        inputs: shapes.map((d, i) => of(d, i + 1)),
        attributes: { equation },
      }));
    },
  },
  NegativeLogLikelihoodLoss: loss('NegativeLogLikelihoodLoss'),
  SoftmaxCrossEntropyLoss: loss('SoftmaxCrossEntropyLoss'),
  TfIdfVectorizer: {
    cases: ({ X }) => {
      const words = ['a', 'b', 'c', 'd', 'e'];
      const text = X === 'string';
      const pool = [1, 3, 0, 2, 3, 1];
      return [
        {
          inputs: [tensor(X, [6], text ? [1, 3, 0, 2, 3, 1].map((i) => words[i]) : [1, 3, 0, 2, 3, 1])],
          attributes: {
            mode: 'TF',
            min_gram_length: 1,
            max_gram_length: 2,
            max_skip_count: 0,
            ngram_counts: [0, 2],
            ngram_indexes: [0, 1, 2, 3],
            ...(text ? { pool_strings: pool.map((i) => words[i]) } : { pool_int64s: pool }),
          },
        },
      ];
    },
  },
};
