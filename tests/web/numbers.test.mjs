// Numbers from text and back, which the engine leaves to JavaScript.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runNode, strings, tensor } from '../support/one_node.mjs';

const TO = { float32: 1, float64: 11 };
const cast = async (runtime, input, type) =>
  (
    await runNode(runtime, {
      op: 'Cast',
      inputs: [input],
      attributes: { to: type === 'string' ? 8 : TO[type] },
      outputs: [type],
    })
  ).y0.data;

// Without numbers below the smallest normal one, which onnxruntime refuses.
const texts = [
  '0',
  '-0',
  '+1.5',
  '.25',
  '3.',
  '1.7976931348623157e308',
  '3.4028234663852886e38',
  '123456789012345678901234567890',
  'inf',
  '-inf',
  'NaN',
];

// Halfway between two float32, and by less than a double can tell above and below it; onnxruntime rounds these twice.
const halfway = [
  ['1.000000059604644775390625', 1],
  ['1.0000000596046447753906250000000001', 1 + 2 ** -23],
  ['1.0000000596046447753906249999999999', 1],
  ['-1.0000000596046447753906250000000001', -1 - 2 ** -23],
  ['1.000000178813934326171875', 1 + 2 ** -22],
  ['1.0000001788139343261718749999999999', 1 + 2 ** -23],
];

test('text between two float32 is rounded once', async () => {
  const found = await cast('kinglet-simd', strings(halfway.map(([text]) => text)), 'float32');
  assert.deepEqual(
    [...found],
    halfway.map(([, value]) => value),
  );
});

for (const type of ['float32', 'float64']) {
  test(`text becomes the nearest ${type}`, async () => {
    const ours = await cast('kinglet-simd', strings(texts), type);
    const theirs = await cast('ort-node', strings(texts), type);
    for (const [i, text] of texts.entries())
      assert.ok(Object.is(ours[i], theirs[i]), `${text}: ${ours[i]}, not ${theirs[i]}`);
  });

  test(`${type} becomes text that is read back, and no shorter one is`, async () => {
    const round = type === 'float32' ? Math.fround : (value) => value;
    const values = [0.1, 1 / 3, 1e16, 123456789, 2 ** -149, 5e-5, 16777217, -2.5, 1e23, 9.999999e22].map(
      round,
    );
    const found = await cast('kinglet-simd', tensor(type, [values.length], values), 'string');
    for (const [i, text] of found.entries()) {
      assert.equal(round(Number(text)), values[i], text);
      const digits = text
        .replace(/e.*/, '')
        .replace(/\D/g, '')
        .replace(/^0+|0+$/g, '').length;
      if (digits > 1) assert.notEqual(round(Number(values[i].toPrecision(digits - 1))), values[i], text);
    }
  });
}

test('what is no number is refused with its text', async () => {
  for (const text of ['', 'abc', '1e', '0x10', '1 2', '--1', 'e5', '.'])
    await assert.rejects(cast('kinglet-simd', strings([text]), 'float32'), (error) => {
      assert.equal(error.code, 'invalid_input');
      assert.match(error.message, /is not a number/);
      return true;
    });
});
