// MatMulNBits and GatherBlockQuantized against onnxruntime-node.
import { describe, test } from 'node:test';
import { any, check, seed, tensor, weights } from './operator.mjs';

const domain = 'com.microsoft';
let number = 700;
const bytes = (dims) => weights('uint8', dims);

describe('MatMulNBits', () => {
  const shapes = [
    { a: [1, 64], N: 24, block_size: 32 },
    { a: [5, 96], N: 17, block_size: 16 },
    { a: [2, 3, 128], N: 40, block_size: 64 },
    { a: [1, 256], N: 33, block_size: 256 },
    { a: [2, 160], N: 9, block_size: 128 },
  ];
  for (const bits of [2, 4, 8]) {
    for (const { a, N, block_size } of shapes) {
      // onnxruntime-node has no zero points of float32 for 8 bits (tests/kernels/nbits_test.cc does).
      for (const zeros of bits === 8 ? ['none', 'packed'] : ['none', 'packed', 'float32']) {
        for (const bias of [false, true]) {
          test(`${bits} bits [${a}] N ${N} blocks of ${block_size}, zero points ${zeros}, bias ${bias}`, async () => {
            seed(++number);
            const K = a.at(-1);
            const blocks = Math.ceil(K / block_size);
            const row = Math.ceil((blocks * bits) / 8);
            await check({
              op: 'MatMulNBits',
              domain,
              attributes: { K, N, bits, block_size, accuracy_level: 0 },
              inputs: [
                any('float32', a, { range: 1 }),
                bytes([N, blocks, (block_size * bits) / 8]),
                weights('float32', [N, blocks], { range: 0.1 }),
                zeros === 'packed'
                  ? bytes([N, row])
                  : zeros === 'float32'
                    ? weights('float32', [N, blocks], { range: 7 })
                    : null,
                null,
                bias ? weights('float32', [N]) : null,
              ],
              outputs: ['float32'],
              rtol: 1e-4,
              atol: bits === 8 ? 3e-3 : 3e-4,
            });
          });
        }
      }
    }
  }
  // Both round A to 8 bits, each in its own way.
  for (const { a, N, block_size } of [
    ...shapes,
    { a: [1, 1100], N: 21, block_size: 32 },
    { a: [70, 64], N: 9, block_size: 16 },
  ]) {
    for (const [bits, zeros] of [
      [4, false],
      [4, true],
      [8, false],
    ])
      test(`A of 8 bits, ${bits} bits [${a}] N ${N} blocks of ${block_size}, zero points ${zeros}`, async () => {
        seed(++number);
        const K = a.at(-1);
        const blocks = Math.ceil(K / block_size);
        await check({
          op: 'MatMulNBits',
          domain,
          attributes: { K, N, bits, block_size, accuracy_level: 4 },
          inputs: [
            any('float32', a, { range: 1 }),
            bytes([N, blocks, (block_size * bits) / 8]),
            weights('float32', [N, blocks], { range: 0.16 / 2 ** bits }),
            zeros ? bytes([N, Math.ceil((blocks * bits) / 8)]) : null,
          ],
          outputs: ['float32'],
          atol: 6e-4 * Math.sqrt(K),
        });
      });
  }
  // Packed zero points are left out: onnxruntime-node ignores them where there is g_idx.
  for (const zeros of [null, 'float32'])
    test(`g_idx, zero points ${zeros}`, async () => {
      seed(++number);
      const [K, N, block_size] = [96, 21, 32];
      const group = tensor(
        'int32',
        [K],
        Array.from({ length: K }, (_, i) => (i * 5) % 3),
        true,
      );
      await check({
        op: 'MatMulNBits',
        domain,
        attributes: { K, N, bits: 4, block_size },
        inputs: [
          any('float32', [4, K], { range: 1 }),
          bytes([N, 3, 16]),
          weights('float32', [N, 3], { range: 0.1 }),
          zeros && weights(zeros, [N, 3], { range: 7 }),
          group,
        ],
        outputs: ['float32'],
        rtol: 1e-4,
        atol: 3e-4,
      });
    });
});

describe('GatherBlockQuantized', () => {
  const cases = [
    { data: [10, 64], indices: [3], gather_axis: 0, quantize_axis: 1, block_size: 16 },
    { data: [6, 3, 40], indices: [2, 2], gather_axis: 0, quantize_axis: 2, block_size: 32 },
    { data: [5, 32, 4], indices: [4], gather_axis: 2, quantize_axis: 1, block_size: 16 },
    { data: [33, 7], indices: [], gather_axis: 1, quantize_axis: 0, block_size: 16 },
    { data: [48, 3], indices: [5], gather_axis: 0, quantize_axis: 0, block_size: 16 },
  ];
  for (const type of ['int4', 'uint4', 'uint8']) {
    for (const { data, indices, ...attributes } of cases) {
      for (const zeros of [false, true]) {
        if (
          type === 'uint8' &&
          (attributes.gather_axis !== 0 || attributes.quantize_axis !== data.length - 1)
        )
          continue;
        test(`${type} ${JSON.stringify({ data, indices, ...attributes })} zero points ${zeros}`, async () => {
          seed(++number);
          const scales = data.map((d, i) =>
            i === attributes.quantize_axis ? Math.ceil(d / attributes.block_size) : d,
          );
          const packed = (dims) => [...dims.slice(0, -1), Math.ceil(dims.at(-1) / 2)];
          const whole = { low: type === 'int4' ? -8 : 0, high: type === 'int4' ? 7 : 15 };
          const q = (dims) => (type === 'uint8' ? bytes(packed(dims)) : weights(type, dims, whole));
          const extent = data[attributes.gather_axis];
          await check({
            op: 'GatherBlockQuantized',
            domain,
            attributes: type === 'uint8' ? { ...attributes, bits: 4 } : attributes,
            inputs: [
              q(data),
              any('int64', indices, { low: -extent, high: extent - 1 }),
              weights('float32', scales),
              zeros ? q(scales) : null,
            ],
            outputs: ['float32'],
          });
        });
      }
    }
  }
});
