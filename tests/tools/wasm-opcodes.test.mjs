// The scanner against modules assembled here, which Node's own validator accepts first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leb } from '../../.tools/wasm-arrange.mjs';
import { countOpcodes, opcodeFailures } from '../../.tools/wasm-opcodes.mjs';

const section = (id, bytes) => [id, ...leb(bytes.length), ...bytes];

/** A module of one function without parameters or results. */
function moduleOf(code, locals = [0]) {
  const body = [...locals, ...code, 0x0b];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
}

const constant = (bytes) => [0xfd, 0x0c, ...bytes];
const zeros = constant(Array(16).fill(0));
const drop = 0x1a;
const madd = [0xfd, 0x85, 0x02];
const dotAdd = [0xfd, 0x93, 0x02];

const plain = moduleOf(
  [
    // A constant and a shuffle whose operands spell relaxed instructions.
    ...constant([...madd, ...dotAdd, ...madd, ...dotAdd, ...madd, 0xfd]),
    ...zeros,
    ...[0xfd, 0x0d, ...Array.from({ length: 16 }, (_, i) => i)],
    drop,
    // f64.const with the bytes of f32x4.relaxed_madd in it, a block with a branch table, a load with offset 0x1fd.
    ...[0x44, ...madd, ...madd, 0, 0, drop],
    ...[0x02, 0x40, 0x41, 0x00, 0x0e, 1, 0, 0, 0x0b],
    ...[0x41, 0x00, 0xfd, 0x00, 0x04, 0xfd, 0x03, drop],
    ...[0x41, 0x00, ...zeros, 0xfd, 0x54, 0x00, 0x00, 0x03, drop],
    ...[0x41, 0x00, 0x41, 0x00, 0x41, 0x00, 0xfc, 0x0b, 0x00],
  ],
  [2, 3, 0x7b, 1, 0x7f],
);
const relaxed = moduleOf([
  ...[...zeros, ...zeros, ...zeros, ...madd, drop],
  ...[...zeros, ...zeros, ...zeros, ...dotAdd, drop],
]);

test('operands that look like relaxed instructions are not counted', () => {
  assert.ok(WebAssembly.validate(plain));
  const counts = countOpcodes(plain);
  assert.equal(counts.relaxed.size, 0);
  assert.equal(counts.simd, 6);
  assert.equal(counts.instructions, 22);
});

test('relaxed instructions are counted by name', () => {
  assert.deepEqual(
    [...countOpcodes(relaxed).relaxed],
    [
      ['f32x4.relaxed_madd', 1],
      ['i32x4.relaxed_dot_i8x16_i7x16_add_s', 1],
    ],
  );
});

test('a relaxed instruction in the simd build and none in the relaxed build are failures', () => {
  assert.deepEqual(opcodeFailures(plain, relaxed), []);
  assert.match(opcodeFailures(relaxed, relaxed).join(), /simd build has relaxed SIMD.*relaxed_madd \(1\)/);
  assert.match(opcodeFailures(plain, plain).join(), /relaxed build has no relaxed/);
});

test('an unknown instruction is an error, not a guess', () => {
  assert.throws(() => countOpcodes(moduleOf([0xfd, 0xff, 0x7f])), /unknown opcode 0xfd/);
  assert.throws(() => countOpcodes(moduleOf([0x27])), /unknown opcode 0x27/);
});
