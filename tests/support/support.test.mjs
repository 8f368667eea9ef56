import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mismatch, numbers, relativeDifference } from './compare.mjs';
import { readModel, writeModel } from './onnx.mjs';
import { readValue, tensorValue } from './values.mjs';

const tensor = (type, data, dims = [data.length]) => ({ type, data, dims });
const floats = (...values) => tensor('float32', Float32Array.from(values));

test('mismatch finds one wrong element, type, shape, length, and a missing value', () => {
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
  assert.equal(mismatch(floats(1, nan, infinity), floats(1, nan, infinity)), undefined);
  assert.equal(mismatch(floats(1.0009), floats(1)), undefined);
  assert.match(mismatch(floats(1, 1.002), floats(1, 1)), /^1 of 2 elements differ, first at 1/);
  assert.match(mismatch(floats(0.001), floats(0)), /differ/);
  assert.match(mismatch(floats(nan), floats(1)), /differ/);
  assert.match(mismatch(floats(1), floats(nan)), /differ/);
  assert.match(mismatch(floats(infinity), floats(1)), /differ/);
  assert.match(mismatch(floats(1), floats(infinity)), /differ/);
  assert.match(mismatch(floats(-infinity), floats(infinity)), /differ/);
  assert.match(mismatch(floats(1), tensor('float64', Float64Array.of(1))), /type/);
  assert.match(mismatch(tensor('float32', Float32Array.of(1), []), floats(1)), /shape/);
  assert.match(
    mismatch(tensor('int64', BigInt64Array.of(1n)), tensor('int64', BigInt64Array.of(2n))),
    /differ/,
  );
  assert.match(mismatch(tensor('string', ['a']), tensor('string', ['b'])), /differ/);
  assert.match(mismatch(undefined, floats(1)), /expected a tensor/);
  assert.match(mismatch([floats(1)], [floats(1), floats(2)]), /sequence of 1/);
  assert.match(mismatch([floats(1)], [floats(2)]), /element 0/);
  assert.match(mismatch(new Map([['a', 1]]), new Map([['b', 1]])), /key b/);
  assert.match(mismatch(floats(1), null), /empty optional/);
});

test('relative difference is the largest difference over the largest magnitude', () => {
  assert.equal(relativeDifference(floats(1, 2), floats(1, 2)), 0);
  assert.equal(relativeDifference(floats(1, 3), floats(1, 4)), 0.25);
  assert.equal(relativeDifference(floats(0, -4), floats(1, -4)), 0.25);
  assert.equal(relativeDifference(floats(Number.NaN), floats(1)), Number.POSITIVE_INFINITY);
  assert.equal(relativeDifference(floats(1), floats(1, 1)), Number.POSITIVE_INFINITY);
});

test('narrow floats are read as their numbers', () => {
  const read = (type, ...bits) => [
    ...numbers(tensor(type, type.includes('8') ? Uint8Array.from(bits) : Uint16Array.from(bits))),
  ];
  assert.deepEqual(read('float16', 0x3c00, 0xc000, 0x0001, 0x7c00), [
    1,
    -2,
    2 ** -24,
    Number.POSITIVE_INFINITY,
  ]);
  assert.deepEqual(read('bfloat16', 0x3f80, 0xc040), [1, -3]);
  assert.deepEqual(read('float8e4m3fn', 0x38, 0x7e, 0x01, 0x7f), [1, 448, 2 ** -9, Number.NaN]);
  assert.deepEqual(read('float8e4m3fnuz', 0x40, 0x7f, 0x80), [1, 240, Number.NaN]);
  assert.deepEqual(read('float8e5m2', 0x3c, 0x7b, 0x7c), [1, 57344, Number.POSITIVE_INFINITY]);
  assert.deepEqual(read('float8e5m2fnuz', 0x40, 0x7f), [1, 57344]);
});

test('a model is written as it was read', () => {
  const model = {
    ir_version: 8,
    graph: {
      node: [
        {
          input: ['x'],
          output: ['y'],
          op_type: 'Pad',
          attribute: [
            { name: 'pads', ints: [0, -1, 2 ** 40, -(2 ** 40)], type: 7 },
            { name: 'value', f: 0.5, type: 1 },
          ],
        },
      ],
      name: 'g',
      initializer: [{ dims: [2], data_type: 7, int64_data: [1, -9007199254740993n], name: 'w' }],
    },
    opset_import: [{ domain: '', version: 13 }],
  };
  const bytes = writeModel(model);
  assert.deepEqual(readModel(bytes), model);
  assert.deepEqual(
    tensorValue(readModel(bytes).graph.initializer[0]).data,
    BigInt64Array.of(1n, -9007199254740993n),
  );
  assert.throws(() => readModel(bytes.subarray(0, bytes.length - 1)), RangeError);
});

test('a tensor below a byte keeps its packing', () => {
  // dims 3, data_type INT4, raw_data 0x21 0x03
  const bytes = Uint8Array.of(8, 3, 16, 22, 74, 2, 0x21, 0x03);
  assert.deepEqual(readValue(bytes, { tensor_type: { elem_type: 22 } }), {
    type: 'int4',
    dims: [3],
    data: Uint8Array.of(0x21, 0x03),
  });
});
