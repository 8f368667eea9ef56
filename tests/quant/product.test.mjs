// Products and convolutions of 8-bit tensors against onnxruntime-node.
import { describe, test } from 'node:test';
import { any, check, float, scalar, scales, seed, weights } from './operator.mjs';

const types = ['int8', 'uint8'];
const zero = (type, dims = []) =>
  weights(type, dims, { low: type === 'int8' ? -9 : 120, high: type === 'int8' ? 9 : 136 });
const microsoft = 'com.microsoft';
let number = 100;
const each = (name, make) =>
  test(name, () => {
    seed(++number);
    return check(make());
  });

const products = [
  [
    [5, 7],
    [7, 9],
  ],
  [
    [1, 64],
    [64, 33],
  ],
  [
    [3, 2, 20],
    [20, 8],
  ],
  [
    [2, 1, 4, 6],
    [3, 6, 5],
  ],
];

describe('MatMulInteger', () => {
  for (const [a, b] of products)
    for (const constant of [false, true])
      each(`uint8 ${a} ${b} ${constant}`, () => ({
        op: 'MatMulInteger',
        inputs: [any('uint8', a), any('uint8', b, { constant }), zero('uint8'), zero('uint8')],
        outputs: ['int32'],
      }));
  each('int8 B, zero point for each column', () => ({
    op: 'MatMulInteger',
    inputs: [any('uint8', [6, 50]), weights('int8', [50, 11]), zero('uint8'), zero('int8', [11])],
    outputs: ['int32'],
  }));
  each('no zero points', () => ({
    op: 'MatMulInteger',
    inputs: [any('uint8', [4, 30]), weights('int8', [30, 3])],
    outputs: ['int32'],
  }));
});

describe('QLinearMatMul', () => {
  for (const [a, b] of products)
    for (const [ta, tb] of [
      ['uint8', 'uint8'],
      ['uint8', 'int8'],
      ['int8', 'int8'],
    ])
      each(`${ta} ${tb} ${a} ${b}`, () => ({
        op: 'QLinearMatMul',
        inputs: [
          any(ta, a),
          scales('float32', []),
          zero(ta),
          any(tb, b),
          scales('float32', []),
          zero(tb),
          scalar('float32', 0.06),
          zero(ta),
        ],
        outputs: [ta],
      }));
  each('scale for each column', () => ({
    op: 'QLinearMatMul',
    inputs: [
      any('uint8', [6, 40]),
      scales('float32', []),
      zero('uint8'),
      weights('int8', [40, 13]),
      scales('float32', [13]),
      zero('int8', [13]),
      scalar('float32', 0.06),
      zero('uint8'),
    ],
    outputs: ['uint8'],
  }));
});

describe('MatMulIntegerToFloat, DynamicQuantizeMatMul', () => {
  for (const [a, b] of products.slice(0, 3)) {
    for (const tb of types) {
      each(`MatMulIntegerToFloat ${tb} ${a} ${b}`, () => ({
        op: 'MatMulIntegerToFloat',
        domain: microsoft,
        inputs: [
          any('uint8', a),
          weights(tb, b),
          scales('float32', []),
          scales('float32', [b.at(-1)]),
          zero('uint8'),
          zero(tb, [b.at(-1)]),
          weights('float32', [b.at(-1)]),
        ],
        outputs: ['float32'],
        rtol: 1e-5,
        atol: 1e-4,
      }));
      each(`DynamicQuantizeMatMul ${tb} ${a} ${b}`, () => ({
        op: 'DynamicQuantizeMatMul',
        domain: microsoft,
        inputs: [
          any('float32', a),
          weights(tb, b),
          scales('float32', [b.at(-1)]),
          zero(tb, [b.at(-1)]),
          weights('float32', [b.at(-1)]),
        ],
        outputs: ['float32'],
        rtol: 1e-4,
        atol: 1e-3,
      }));
    }
  }
  each('without zero points and bias', () => ({
    op: 'MatMulIntegerToFloat',
    domain: microsoft,
    inputs: [any('int8', [5, 16]), weights('int8', [16, 4]), scales('float32', []), scales('float32', [])],
    outputs: ['float32'],
    rtol: 1e-5,
    atol: 1e-4,
  }));
});

describe('QGemm', () => {
  for (const [transA, transB] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ])
    for (const quantised of [true, false])
      for (const c of [[12], null, [5, 12], [1, 12]])
        each(`trans ${transA}${transB} ${quantised} C ${c}`, () => ({
          op: 'QGemm',
          domain: microsoft,
          attributes: { transA, transB, alpha: float(0.5) },
          inputs: [
            any('uint8', transA ? [20, 5] : [5, 20]),
            scales('float32', []),
            zero('uint8'),
            weights('int8', transB ? [12, 20] : [20, 12]),
            scales('float32', [12]),
            zero('int8', [12]),
            c && weights('int32', c, { low: -9000, high: 9000 }),
            ...(quantised ? [scalar('float32', 0.03), zero('uint8')] : []),
          ],
          outputs: [quantised ? 'uint8' : 'float32'],
          rtol: 1e-5,
          atol: 1e-5,
        }));
});

const convolutions = [
  { x: [1, 3, 9, 11], w: [5, 3, 3, 3], pads: [1, 1, 1, 1] },
  { x: [2, 4, 8, 8], w: [6, 4, 1, 1] },
  { x: [1, 6, 10, 17], w: [8, 3, 3, 3], group: 2, strides: [2, 2], pads: [0, 1, 1, 0] },
  { x: [1, 4, 12, 13], w: [4, 1, 3, 3], group: 4, pads: [1, 1, 1, 1] },
  { x: [1, 4, 11, 11], w: [8, 1, 5, 5], group: 4, auto_pad: 'SAME_UPPER', strides: [2, 2] },
  { x: [1, 3, 21], w: [7, 3, 4], dilations: [2] },
];

describe('ConvInteger, QLinearConv', () => {
  for (const { x, w, ...attributes } of convolutions) {
    const name = JSON.stringify({ x, w, ...attributes });
    each(`ConvInteger ${name}`, () => ({
      op: 'ConvInteger',
      attributes,
      inputs: [any('uint8', x), weights('uint8', w), zero('uint8'), zero('uint8')],
      outputs: ['int32'],
    }));
    for (const [tx, tw, many, constant] of [
      ['uint8', 'int8', true, true],
      ['int8', 'int8', false, true],
      ['uint8', 'uint8', false, false],
    ])
      each(`QLinearConv ${tx} ${tw} ${name}`, () => ({
        op: 'QLinearConv',
        attributes,
        inputs: [
          any(tx, x),
          scales('float32', []),
          zero(tx),
          any(tw, w, { constant }),
          scales('float32', many ? [w[0]] : []),
          many ? weights(tw, [w[0]], { low: 0, high: 0 }) : zero(tw),
          scalar('float32', 0.04),
          zero(tx),
          weights('int32', [w[0]], { low: -5000, high: 5000 }),
        ],
        outputs: [tx],
      }));
  }
});
