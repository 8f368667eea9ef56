// Decodes the code section of a wasm file and counts relaxed SIMD instructions. The simd build must have none, the relaxed
// build some. By hand: node .tools/wasm-opcodes.mjs FILE
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { bodies, instructions, localsOf, sections } from './wasm-reader.mjs';

// Relaxed SIMD, WebAssembly 3.0: prefix 0xfd, sub-opcodes 0x100 to 0x113.
const relaxedNames = [
  'i8x16.relaxed_swizzle',
  'i32x4.relaxed_trunc_f32x4_s',
  'i32x4.relaxed_trunc_f32x4_u',
  'i32x4.relaxed_trunc_f64x2_s_zero',
  'i32x4.relaxed_trunc_f64x2_u_zero',
  'f32x4.relaxed_madd',
  'f32x4.relaxed_nmadd',
  'f64x2.relaxed_madd',
  'f64x2.relaxed_nmadd',
  'i8x16.relaxed_laneselect',
  'i16x8.relaxed_laneselect',
  'i32x4.relaxed_laneselect',
  'i64x2.relaxed_laneselect',
  'f32x4.relaxed_min',
  'f32x4.relaxed_max',
  'f64x2.relaxed_min',
  'f64x2.relaxed_max',
  'i16x8.relaxed_q15mulr_s',
  'i16x8.relaxed_dot_i8x16_i7x16_s',
  'i32x4.relaxed_dot_i8x16_i7x16_add_s',
];

/** @typedef {{ functions: number, instructions: number, simd: number, relaxed: Map<string, number> }} Counts */

/**
 * @param {Uint8Array} bytes a wasm module
 * @returns {Counts}
 */
export function countOpcodes(bytes) {
  /** @type {Counts} */
  const counts = { functions: 0, instructions: 0, simd: 0, relaxed: new Map() };
  for (const { id, content } of sections(bytes)) {
    if (id !== 10) continue;
    for (const body of bodies(content)) {
      counts.functions++;
      localsOf(body);
      for (const { opcode, sub } of instructions(body)) {
        counts.instructions++;
        if (opcode !== 0xfd) continue;
        counts.simd++;
        if (sub < 0x100) continue;
        const name = relaxedNames[sub - 0x100];
        counts.relaxed.set(name, (counts.relaxed.get(name) ?? 0) + 1);
      }
    }
  }
  return counts;
}

/**
 * What is wrong with the two builds, as lines; none when all is well.
 * @param {Uint8Array} simd
 * @param {Uint8Array} relaxed
 */
export function opcodeFailures(simd, relaxed) {
  const failures = [];
  const inSimd = countOpcodes(simd).relaxed;
  if (inSimd.size) {
    const list = [...inSimd].map(([name, count]) => `${name} (${count})`).join(', ');
    failures.push(
      `the simd build has relaxed SIMD instructions: ${list}. Look for them outside #if __wasm_relaxed_simd__`,
    );
  }
  if (countOpcodes(relaxed).relaxed.size === 0)
    failures.push('the relaxed build has no relaxed SIMD instruction');
  return failures;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const file of process.argv.slice(2)) console.log(file, countOpcodes(readFileSync(file)));
}
