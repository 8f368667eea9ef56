// The QLinear family of com.microsoft against onnxruntime-node. Outputs may be one step apart in few elements where
// onnxruntime's own builds are: its vector loops multiply by ratios of scales where its scalar loops divide.
import { describe, test } from 'node:test';
import { any, check, float, scalar, scales, seed, tensor, weights } from './operator.mjs';

const domain = 'com.microsoft';
const types = ['int8', 'uint8'];
const zero = (type) =>
  weights(type, [], { low: type === 'int8' ? -9 : 120, high: type === 'int8' ? 9 : 136 });
let number = 300;
const each = (name, make) =>
  test(name, () => {
    seed(++number);
    return check({ domain, steps: 1, ...make() });
  });
/** A tensor with its scale and zero point. */
const quantised = (type, dims, options) => [
  any(type, dims, options),
  scales('float32', [], 0.02),
  zero(type),
];

describe('QLinearAdd, QLinearMul', () => {
  const shapes = [
    [
      [3, 50],
      [3, 50],
    ],
    [[2, 5, 7], [7]],
    [
      [4, 1, 3],
      [2, 1],
    ],
    [[], [9]],
    [
      [1, 3, 8, 8],
      [1, 3, 1, 1],
    ],
    [[0, 3], [3]],
  ];
  for (const op of ['QLinearAdd', 'QLinearMul'])
    for (const type of types)
      for (const [a, b] of shapes)
        each(`${op} ${type} [${a}] [${b}]`, () => ({
          op,
          inputs: [
            ...quantised(type, a),
            ...quantised(type, b),
            scalar('float32', op === 'QLinearAdd' ? 0.035 : 0.03),
            zero(type),
          ],
          outputs: [type],
        }));
  // onnxruntime-node refuses absent zero points in the middle: the definition.
  test('without zero points', async () => {
    seed(++number);
    const [a, b] = [any('uint8', [31]), any('uint8', [31])];
    const sums = Array.from(a.data, (v, i) =>
      Math.min(255, Math.round((v * 0.011 + b.data[i] * 0.02) / 0.03)),
    );
    await check({
      op: 'QLinearAdd',
      domain,
      inputs: [a, scalar('float32', 0.011), null, b, scalar('float32', 0.02), null, scalar('float32', 0.03)],
      outputs: ['uint8'],
      expected: { out0: tensor('uint8', [31], sums) },
    });
  });
});

describe('QLinearSigmoid, QLinearLeakyRelu', () => {
  for (const type of types)
    for (const dims of [[256], [3, 7, 5], [1, 2, 64, 3]]) {
      each(`QLinearSigmoid ${type} [${dims}]`, () => ({
        op: 'QLinearSigmoid',
        inputs: [
          ...quantised(type, dims),
          scalar('float32', 1 / 256),
          scalar(type, type === 'int8' ? -128 : 0),
        ],
        outputs: [type],
      }));
      for (const alpha of [0.01, 0.3])
        each(`QLinearLeakyRelu ${type} [${dims}] ${alpha}`, () => ({
          op: 'QLinearLeakyRelu',
          attributes: { alpha: float(alpha) },
          inputs: [...quantised(type, dims), scalar('float32', 0.015), zero(type)],
          outputs: [type],
        }));
    }
});

describe('pooling', () => {
  const pools = [
    { x: [1, 3, 9, 10], kernel_shape: [3, 3] },
    { x: [2, 2, 7, 8], kernel_shape: [2, 3], strides: [2, 1], pads: [1, 1, 0, 1] },
    { x: [1, 4, 8, 8], kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], count_include_pad: 1 },
    { x: [1, 2, 11], kernel_shape: [3], ceil_mode: 1, strides: [2] },
    { x: [1, 6, 7, 3], kernel_shape: [2, 2], channels_last: 1 },
  ];
  for (const type of types) {
    for (const { x, ...attributes } of pools)
      each(`QLinearAveragePool ${type} ${JSON.stringify({ x, ...attributes })}`, () => ({
        op: 'QLinearAveragePool',
        attributes,
        inputs: [...quantised(type, x), scalar('float32', 0.011), zero(type)],
        outputs: [type],
      }));
    for (const [x, channels_last] of [
      [[2, 5, 7, 7], 0],
      [[1, 3, 4, 9], 0],
      [[1, 8, 6, 4], 1],
      [[2, 5, 13], 0],
    ])
      each(`QLinearGlobalAveragePool ${type} [${x}] ${channels_last}`, () => ({
        op: 'QLinearGlobalAveragePool',
        attributes: { channels_last },
        inputs: [...quantised(type, x), scalar('float32', 0.008), zero(type)],
        outputs: [type],
      }));
    for (const attributes of [
      { kernel_shape: [2, 2] },
      { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
      { kernel_shape: [2, 1], dilations: [2, 1] },
    ])
      each(`NhwcMaxPool ${type} ${JSON.stringify(attributes)}`, () => ({
        op: 'NhwcMaxPool',
        attributes,
        inputs: [any(type, [2, 9, 8, 5])],
        outputs: [type],
      }));
  }
});

describe('QLinearConv with channels last', () => {
  for (const [x, w, attributes] of [
    [[1, 8, 9, 3], [5, 3, 3, 3], { pads: [1, 1, 1, 1] }],
    [[2, 5, 5, 4], [6, 4, 1, 1], { kernel_shape: [1, 1] }],
    [[1, 9, 9, 4], [4, 1, 3, 3], { group: 4, strides: [2, 2] }],
  ])
    for (const channels_last of [0, 1])
      each(`[${x}] [${w}] ${channels_last}`, () => {
        const dims = channels_last ? x : [x[0], x[3], x[1], x[2]];
        return {
          op: 'QLinearConv',
          attributes: { ...attributes, channels_last },
          inputs: [
            ...quantised('uint8', dims),
            weights('int8', w),
            scales('float32', []),
            scalar('int8', 0),
            scalar('float32', 0.2),
            zero('uint8'),
            weights('int32', [w[0]], { low: -3000, high: 3000 }),
          ],
          outputs: ['uint8'],
        };
      });
});

describe('QLinearConcat, QLinearWhere, QLinearReduceMean, QLinearSoftmax', () => {
  for (const type of types) {
    for (const [axis, ...parts] of [
      [1, [2, 3, 4], [2, 1, 4]],
      [0, [5], [2], [9]],
      [-1, [3, 1, 6], [3, 1, 2]],
    ])
      each(`QLinearConcat ${type} ${axis}`, () => ({
        op: 'QLinearConcat',
        attributes: { axis },
        inputs: [scalar('float32', 0.03), zero(type), ...parts.flatMap((dims) => quantised(type, dims))],
        outputs: [type],
      }));
    for (const [c, x, y] of [
      [
        [3, 4],
        [3, 4],
        [3, 4],
      ],
      [[4], [2, 1, 4], [3, 1]],
      [[2, 1], [], [2, 70]],
    ])
      each(`QLinearWhere ${type} [${c}]`, () => ({
        op: 'QLinearWhere',
        inputs: [
          any('bool', c, { low: 0, high: 1 }),
          ...quantised(type, x),
          ...quantised(type, y),
          scalar('float32', 0.025),
          zero(type),
        ],
        outputs: [type],
      }));
    for (const [axis, opset] of [
      [-1, 13],
      [1, 13],
      [1, 12],
      [2, 9],
    ])
      each(`QLinearSoftmax ${type} ${axis} ${opset}`, () => ({
        op: 'QLinearSoftmax',
        attributes: { axis, opset },
        inputs: [
          any(type, [2, 5, 6]),
          scalar('float32', 0.05),
          zero(type),
          scalar('float32', 1 / 256),
          scalar(type, type === 'int8' ? -128 : 0),
        ],
        outputs: [type],
      }));
  }
  // onnxruntime-node has no kernel for it: the definition, in doubles.
  for (const type of types)
    for (const [axes, keepdims] of [
      [[1], 1],
      [[0, 2], 0],
      [[-1], 1],
    ])
      test(`QLinearReduceMean ${type} ${axes} ${keepdims}`, async () => {
        seed(++number);
        const dims = [3, 4, 5];
        const [x, xs, xz] = quantised(type, dims);
        const [ys, yz] = [scalar('float32', 0.0173), zero(type)];
        const reduced = axes.map((a) => (a + 3) % 3);
        const kept = dims.map((extent, d) => (reduced.includes(d) ? 1 : extent));
        const sums = new Float64Array(kept.reduce((a, b) => a * b));
        for (const [i, v] of x.data.entries()) {
          const at = [Math.floor(i / 20), Math.floor(i / 5) % 4, i % 5].map((k, d) =>
            kept[d] === 1 ? 0 : k,
          );
          sums[(at[0] * kept[1] + at[1]) * kept[2] + at[2]] += (v - xz.data[0]) * xs.data[0];
        }
        const [low, high] = type === 'int8' ? [-128, 127] : [0, 255];
        const values = [...sums].map((s) =>
          Math.min(Math.max(Math.round(((s / 60) * sums.length) / ys.data[0]) + yz.data[0], low), high),
        );
        const out = keepdims ? kept : kept.filter((_, d) => !reduced.includes(d));
        await check({
          op: 'QLinearReduceMean',
          domain,
          attributes: { axes, keepdims },
          inputs: [x, xs, xz, ys, yz],
          outputs: [type],
          expected: { out0: tensor(type, out, values) },
        });
      });
});

describe('QEmbedLayerNormalization', () => {
  for (const [segments, mask] of [
    [true, true],
    [true, false],
    [false, true],
  ])
    each(`segments ${segments} mask ${mask}`, () => {
      const table = (rows) => weights('uint8', [rows, 16]);
      const s = () => scales('float32', []);
      const z = () => zero('uint8');
      return {
        op: 'QEmbedLayerNormalization',
        attributes: { epsilon: float(1e-5) },
        inputs: [
          any('int32', [2, 6], { low: 0, high: 29 }),
          segments ? any('int32', [2, 6], { low: 0, high: 1 }) : null,
          table(30),
          table(9),
          segments ? table(2) : null,
          weights('uint8', [16]),
          weights('uint8', [16]),
          mask ? any('int32', [2, 6], { low: 0, high: 1 }) : null,
          s(),
          s(),
          segments ? s() : null,
          s(),
          s(),
          z(),
          z(),
          segments ? z() : null,
          z(),
          z(),
        ],
        outputs: ['float32', 'int32'],
        steps: 0,
        rtol: 1e-4,
        atol: 1e-5,
      };
    });
});

describe('QAttention', () => {
  for (const [type, many] of [
    ['int8', true],
    ['uint8', false],
  ])
    for (const mask of ['none', 'lengths', 'tokens'])
      for (const past of [0, 3])
        for (const unidirectional of [0, 1])
          each(`${type} mask ${mask} past ${past} unidirectional ${unidirectional}`, () => {
            const [batch, length, heads, size] = [2, 5, 3, 8];
            const hidden = heads * size;
            const total = past + length;
            const masks = {
              none: null,
              lengths: tensor('int32', [batch], [total, total - 2]),
              tokens: any('int32', [batch, total], { low: 0, high: 1 }),
            };
            return {
              op: 'QAttention',
              attributes: { num_heads: heads, unidirectional },
              inputs: [
                any('uint8', [batch, length, 12]),
                weights(type, [12, 3 * hidden]),
                weights('float32', [3 * hidden]),
                scalar('float32', 0.01),
                scales('float32', many ? [3 * hidden] : [], 0.01),
                masks[mask],
                zero('uint8'),
                zero(type),
                past ? any('float32', [2, batch, heads, past, size], { range: 1 }) : null,
              ],
              outputs: ['float32', ...(past ? ['float32'] : [])],
              steps: 0,
              rtol: 1e-4,
              atol: 1e-4,
            };
          });
});
