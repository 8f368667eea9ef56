// Draws that no two libraries share: types, shapes and what many draws have in common.
import { f } from '../models.mjs';
import { make, numberOf, tensor, unpack } from '../tensors.mjs';

const count = 4000;

/** Mean and standard deviation, and that the values lie between the ends. */
function draws(type, { mean, deviation, low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY }) {
  return ([drawn]) => {
    if (drawn.type !== type) return `type ${drawn.type}, expected ${type}`;
    const values = Array.from(unpack(drawn), Number);
    if (values.length !== count) return `${values.length} values`;
    const found = values.reduce((sum, v) => sum + v, 0) / count;
    const spread = Math.sqrt(values.reduce((sum, v) => sum + (v - found) ** 2, 0) / count);
    if (values.some((v) => !(v >= low && v <= high))) return `a value outside of ${low}..${high}`;
    // Five standard errors, and the rounding of narrow types.
    if (Math.abs(found - mean) > (5 * deviation) / Math.sqrt(count) + Math.abs(mean) * 0.004)
      return `mean ${found}, expected ${mean}`;
    if (Math.abs(spread - deviation) > 0.1 * deviation) return `deviation ${spread}, expected ${deviation}`;
    return undefined;
  };
}

const uniform = (type) => draws(type, { mean: 3, deviation: 2 / Math.sqrt(12), low: 2, high: 4 });
const normal = (type) => draws(type, { mean: 3, deviation: 2 });
const bounds = { low: f(2), high: f(4), seed: f(7) };
const moments = { mean: f(3), scale: f(2), seed: f(7) };

const free = (attributes, check) => ({
  cases: ({ T }) => [
    { inputs: [], attributes: { ...attributes, dtype: numberOf(T), shape: [40, 100] }, check: check(T) },
  ],
});
const like = (attributes, check) => ({
  cases: ({ T1, T2 }) => [
    { inputs: [make(T1, [40, 100])], attributes: { ...attributes, dtype: numberOf(T2) }, check: check(T2) },
    ...(/^(float(16|32|64)|bfloat16)$/.test(T1)
      ? [{ inputs: [make(T1, [count])], attributes, outputs: [T1], check: check(T1) }]
      : []),
  ],
});

const probability = (T, p) => tensor(T, [count], Array(count).fill(p));

export const random = {
  RandomUniform: free(bounds, uniform),
  RandomNormal: free(moments, normal),
  RandomUniformLike: like(bounds, uniform),
  RandomNormalLike: like(moments, normal),
  Bernoulli: {
    cases: ({ T1, T2 }) => [
      {
        inputs: [probability(T1, 0.25)],
        attributes: { dtype: numberOf(T2), seed: f(3) },
        check: draws(T2, { mean: 0.25, deviation: Math.sqrt(0.1875), low: 0, high: 1 }),
      },
    ],
  },
  Multinomial: {
    cases: ({ T1, T2 }) => [
      {
        // Probabilities 1/4 and 3/4 of the classes 0 and 2.
        inputs: [tensor(T1, [1, 3], [Math.log(0.25), -60, Math.log(0.75)])],
        attributes: { dtype: numberOf(T2), sample_size: count, seed: f(3) },
        check: draws(T2, { mean: 1.5, deviation: Math.sqrt(0.75), low: 0, high: 2 }),
      },
    ],
  },
  Dropout: {
    outputs: 2,
    cases: ({ T, T1 }) => {
      const x = make(T, [count], { kind: 'small' });
      const plain = make(T, [3, 5]);
      return [
        { inputs: [plain], exact: true, expected: [plain, tensor('bool', [3, 5], Array(15).fill(1))] },
        { inputs: [plain, tensor(T1, [], [0.5])], outputs: [T], exact: true, expected: [plain] },
        {
          inputs: [x, tensor(T1, [], [0.5]), tensor('bool', [], [1])],
          check: ([y, mask]) => {
            const [given, made] = [unpack(x), unpack(y)];
            const wrong = Array.from(made).findIndex(
              (v, i) => Math.abs(v - (mask.data[i] ? given[i] * 2 : 0)) > 0,
            );
            if (wrong >= 0)
              return `element ${wrong} is ${made[wrong]} from ${given[wrong]}, mask ${mask.data[wrong]}`;
            const kept = mask.data.reduce((sum, v) => sum + v, 0) / count;
            return Math.abs(kept - 0.5) < 0.05 ? undefined : `${kept} kept, expected a half`;
          },
        },
      ];
    },
  },
};
