// A module assembled here behaves the same after the rewriting, and what is alike in it stands together.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrange, leb } from '../../.tools/wasm-arrange.mjs';
import { bodies, localsOf, sections } from '../../.tools/wasm-reader.mjs';

const vector = (items) => [...leb(items.length), ...items.flat()];
const section = (id, bytes) => [id, ...leb(bytes.length), ...bytes];
const text = (string) => vector([...Buffer.from(string)]);
const sized = (bytes) => [...leb(bytes.length), ...bytes];
const [i32, i64, f32, f64, v128] = [0x7f, 0x7e, 0x7d, 0x7c, 0x7b];
const get = (local) => [0x20, local];
const constant = (value) => [0x41, ...leb(value)];

// Two families of functions by turns: members of one differ in a constant. Parameter 0; each local of another type.
const bitwise = (k) => [
  ...vector([
    [1, v128],
    [1, i64],
    [2, i32],
  ]),
  ...[...get(0), ...constant(k), 0x6a, 0x22, 3, ...get(0), 0x6c, 0x21, 4],
  ...[...constant(0), 0xfd, 0, 4, 0, 0x21, 1, ...constant(16), ...get(1), 0xfd, 11, 4, 0],
  ...[...get(4), 0xad, 0x21, 2, ...get(2), 0xa7, ...get(3), 0x73, 0x0b],
];
const floating = (k) => [
  ...vector([
    [1, f32],
    [1, f64],
  ]),
  ...[...get(0), 0xb2, 0x22, 1, 0xbb, 0x21, 2, ...get(2), 0xaa, ...constant(k), 0x6a],
  // The imported function, and the one of the other family beside it.
  ...[0x10, 0, ...get(0), 0x10, k, 0x6a, 0x0b],
];
const count = 20;
const functions = Array.from({ length: count }, (_, i) => (i % 2 ? floating(i) : bitwise(i + 1)));
const call = [...vector([]), ...get(1), ...get(0), 0x11, 0, 0, 0x0b];

const module = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(
    1,
    vector([
      [0x60, ...vector([i32]), ...vector([i32])],
      [0x60, ...vector([i32, i32]), ...vector([i32])],
    ]),
  ),
  ...section(2, vector([[...text('m'), ...text('negate'), 0, 0]])),
  ...section(3, vector([...functions.map(() => [0]), [1]])),
  ...section(4, vector([[0x70, 0, count + 1]])),
  ...section(5, vector([[0, 1]])),
  ...section(
    7,
    vector([
      [...text('call'), 0, count + 1],
      [...text('memory'), 2, 0],
    ]),
  ),
  ...section(
    9,
    vector([[0, ...constant(0), 0x0b, ...vector(Array.from({ length: count + 1 }, (_, i) => [i]))]]),
  ),
  ...section(10, vector([...functions, call].map(sized))),
  ...section(
    11,
    vector([[0, ...constant(0), 0x0b, ...vector(Array.from({ length: 16 }, (_, i) => [i + 1]))]]),
  ),
]);

function results(bytes) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { m: { negate: (x) => -x } });
  const values = [];
  for (let i = 0; i <= count; i++) for (const x of [0, 7, -3]) values.push(exports.call(i, x));
  return { values, memory: [...new Uint8Array(exports.memory.buffer, 0, 32)] };
}

test('functions are renumbered wherever they are named, and do what they did', () => {
  const arranged = arrange(module);
  assert.notDeepEqual([...arranged], [...module]);
  assert.deepEqual(results(arranged), results(module));
});

test('alike functions are neighbours, and locals are ordered by type', () => {
  const code = [...sections(arrange(module))].find(({ id }) => id === 10);
  const locals = [...bodies(code.content)].map(localsOf);
  for (const types of locals)
    assert.deepEqual(
      types,
      types.toSorted((a, b) => b - a),
    );
  const families = locals.map((types) => types.length);
  assert.equal(families.filter((family, i) => family !== families[i - 1]).length, 3);
});

test('what would be wrong afterwards is refused', () => {
  assert.throws(() => arrange(Uint8Array.from([...module, ...section(0, text('name'))])), /names/);
  assert.throws(
    () => arrange(Uint8Array.from([...module.subarray(0, 8), ...section(9, [1, 1, 0, 1, 0])])),
    /form/,
  );
});
