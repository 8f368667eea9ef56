// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear against onnxruntime-node.
import { describe, test } from 'node:test';
import { any, check, scalar, scales, seed, tensor, weights } from './operator.mjs';

const microsoft = 'com.microsoft';
const zeros = (type, dims) => {
  if (/float/.test(type)) return weights(type, dims, { low: 0, high: 0 });
  if (/int4/.test(type))
    return weights(type, dims, { low: type === 'int4' ? -3 : 2, high: type === 'int4' ? 3 : 9 });
  return weights(type, dims, { low: type[0] === 'u' ? 90 : -20, high: type[0] === 'u' ? 160 : 20 });
};
const range = { int4: 0.1, uint4: 0.1, int16: 100, uint16: 100, int8: 1.5, uint8: 1.5 };

describe('QuantizeLinear and DequantizeLinear as onnxruntime-node', () => {
  let number = 0;
  for (const domain of ['', microsoft]) {
    for (const type of ['int8', 'uint8', 'int16', 'uint16', 'int4', 'uint4', 'float8e4m3fn', 'float8e5m2']) {
      if (domain && type.startsWith('float8')) continue;
      const shapes = [
        { x: [3, 5, 4], s: [], axis: 1 },
        { x: [2, 3, 33], s: [3], axis: 1 },
        { x: [7, 19], s: [19], axis: -1 },
        { x: [0, 3], s: [], axis: 1 },
      ];
      if (!domain && !type.startsWith('float8'))
        shapes.push(
          { x: [4, 10], s: [4, 4], axis: 1, block_size: 3 },
          { x: [5, 2, 3], s: [2, 2, 3], axis: 0, block_size: 4 },
        );
      for (const { x, s, ...attributes } of shapes) {
        const name = `${domain} ${type} [${x}] scale [${s}] ${JSON.stringify(attributes)}`;
        const opset = type.startsWith('float8') ? 19 : 21;
        test(`QuantizeLinear ${name}`, async () => {
          seed(++number);
          await check({
            op: 'QuantizeLinear',
            domain,
            opset,
            attributes,
            inputs: [
              any('float32', x, { range: range[type] ?? 3 }),
              scales('float32', s, 0.01),
              zeros(type, s),
            ],
            outputs: [type],
          });
        });
        test(`DequantizeLinear ${name}`, async () => {
          seed(++number);
          const whole = { int4: { low: -8, high: 7 }, uint4: { low: 0, high: 15 } }[type];
          const values = /float/.test(type) ? { low: 0, high: 100 } : whole;
          await check({
            op: 'DequantizeLinear',
            domain,
            opset,
            attributes,
            inputs: [
              any(type, x, { ...values, constant: /int4|float8/.test(type) }),
              scales('float32', s, 0.01),
              zeros(type, s),
            ],
            outputs: ['float32'],
          });
        });
      }
    }
  }
  test('half: quantised and back', async () => {
    const x = any('float16', [6, 7], { range: 1 });
    await check({
      op: 'QuantizeLinear',
      inputs: [x, scales('float16', []), zeros('int8', [])],
      outputs: ['int8'],
    });
    await check({
      op: 'DequantizeLinear',
      inputs: [any('int8', [6, 7]), scales('float16', []), zeros('int8', [])],
      outputs: ['float16'],
    });
  });
  test('without zero point; int32', async () => {
    await check({
      op: 'QuantizeLinear',
      inputs: [any('float32', [40]), scalar('float32', 0.02)],
      outputs: ['uint8'],
    });
    await check({
      op: 'QuantizeLinear',
      inputs: [any('float32', [40]), scalar('float32', 0.02)],
      outputs: ['int8'],
      attributes: { output_dtype: 3 },
    });
    await check({
      op: 'DequantizeLinear',
      inputs: [any('int32', [4, 9], { low: -1e6, high: 1e6 }), scales('float32', [9]), null],
      outputs: ['float32'],
    });
  });
  test('ties go to even, extremes saturate', async () => {
    const x = tensor(
      'float32',
      [12],
      [0.5, 1.5, 2.5, -0.5, -1.5, 126.5, 127.5, 1e30, -1e30, Infinity, -Infinity, -128.5],
    );
    for (const type of ['int8', 'uint8'])
      await check({
        op: 'QuantizeLinear',
        inputs: [x, scalar('float32', 1), scalar(type, 1)],
        outputs: [type],
      });
  });
});

describe('DynamicQuantizeLinear as onnxruntime-node', () => {
  const cases = {
    'both signs': any('float32', [3, 50]),
    'positive only': tensor('float32', [5], [3, 4, 5, 6, 7.5]),
    'negative only': tensor('float32', [3], [-3, -0.25, -1]),
    zeros: tensor('float32', [4], [0, 0, 0, 0]),
  };
  for (const [name, x] of Object.entries(cases))
    test(name, () =>
      check({ op: 'DynamicQuantizeLinear', inputs: [x], outputs: ['uint8', 'float32', 'uint8'], steps: 1 }),
    );
});
