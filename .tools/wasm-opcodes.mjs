// Decodes the code section of a wasm file and counts relaxed SIMD instructions. The simd build must have none, the relaxed
// build some. By hand: node .tools/wasm-opcodes.mjs FILE
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

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

class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }
  byte() {
    if (this.at >= this.end) throw new Error(`the section ends inside an instruction at byte ${this.at}`);
    return this.bytes[this.at++];
  }
  /** @param {number} count */
  skip(count) {
    this.at += count;
    if (this.at > this.end) throw new Error(`the section ends inside an instruction at byte ${this.at}`);
  }
  /** Unsigned LEB128. Signed ones have the same length, so this also skips them. */
  number() {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }
  /** Alignment (bit 6: a memory index follows) and offset. */
  memarg() {
    if (this.number() & 64) this.number();
    this.number();
  }
}

/**
 * Operand kinds of the plain opcodes; those not listed have none and those out of range do not exist.
 * @param {number} opcode
 * @param {Reader} r
 */
function skipPlain(opcode, r) {
  if (opcode === 0x02 || opcode === 0x03 || opcode === 0x04) return r.number(); // block type
  if (opcode === 0x0c || opcode === 0x0d || opcode === 0x10 || opcode === 0x12) return r.number();
  if (opcode === 0x11 || opcode === 0x13) return r.number() + r.number();
  if (opcode === 0x0e) {
    for (let count = r.number() + 1; count > 0; count--) r.number();
    return;
  }
  if (opcode === 0x1c) {
    for (let count = r.number(); count > 0; count--) r.number();
    return;
  }
  if (opcode >= 0x20 && opcode <= 0x26) return r.number();
  if (opcode >= 0x28 && opcode <= 0x3e) return r.memarg();
  if (opcode === 0x3f || opcode === 0x40 || opcode === 0x41 || opcode === 0x42) return r.number();
  if (opcode === 0x43) return r.skip(4);
  if (opcode === 0x44) return r.skip(8);
  if (opcode === 0xd0 || opcode === 0xd2) return r.number();
  const none =
    opcode <= 0x01 ||
    opcode === 0x05 ||
    opcode === 0x0b ||
    opcode === 0x0f ||
    opcode === 0x1a ||
    opcode === 0x1b;
  if (none || (opcode >= 0x45 && opcode <= 0xc4) || opcode === 0xd1) return;
  throw new Error(`unknown opcode 0x${opcode.toString(16)} at byte ${r.at - 1}`);
}

/**
 * @param {number} sub
 * @param {Reader} r
 */
function skipMisc(sub, r) {
  if (sub <= 7) return;
  if (sub > 17) throw new Error(`unknown opcode 0xfc ${sub} at byte ${r.at}`);
  r.number();
  if (sub === 8 || sub === 10 || sub === 12 || sub === 14) r.number();
}

/**
 * @param {number} sub
 * @param {Reader} r
 */
function skipSimd(sub, r) {
  if (sub <= 11 || sub === 92 || sub === 93) return r.memarg();
  if (sub === 12 || sub === 13) return r.skip(16);
  if (sub >= 21 && sub <= 34) return r.skip(1);
  if (sub >= 84 && sub <= 91) {
    r.memarg();
    return r.skip(1);
  }
  if (sub > 0x113) throw new Error(`unknown opcode 0xfd ${sub} at byte ${r.at}`);
}

/**
 * @param {number} sub
 * @param {Reader} r
 */
function skipAtomic(sub, r) {
  if (sub === 3) return r.skip(1);
  if (sub > 0x4e) throw new Error(`unknown opcode 0xfe ${sub} at byte ${r.at}`);
  return r.memarg();
}

/** @typedef {{ functions: number, instructions: number, simd: number, relaxed: Map<string, number> }} Counts */

/**
 * @param {Uint8Array} bytes a wasm module
 * @returns {Counts}
 */
export function countOpcodes(bytes) {
  /** @type {Counts} */
  const counts = { functions: 0, instructions: 0, simd: 0, relaxed: new Map() };
  if (Buffer.from(bytes.subarray(0, 8)).toString('hex') !== '0061736d01000000')
    throw new Error('not a wasm module');
  const file = new Reader(bytes, 8);
  while (file.at < file.end) {
    const id = file.byte();
    const size = file.number();
    if (id === 10) countCode(new Reader(bytes, file.at, file.at + size), counts);
    file.skip(size);
  }
  return counts;
}

/**
 * @param {Reader} section
 * @param {Counts} counts
 */
function countCode(section, counts) {
  for (let left = section.number(); left > 0; left--) {
    const size = section.number();
    const body = new Reader(section.bytes, section.at, section.at + size);
    for (let groups = body.number(); groups > 0; groups--) {
      body.number();
      body.skip(1);
    }
    while (body.at < body.end) {
      const opcode = body.byte();
      counts.instructions++;
      if (opcode === 0xfd) {
        const sub = body.number();
        counts.simd++;
        if (sub >= 0x100 && sub <= 0x113) {
          const name = relaxedNames[sub - 0x100];
          counts.relaxed.set(name, (counts.relaxed.get(name) ?? 0) + 1);
        }
        skipSimd(sub, body);
      } else if (opcode === 0xfc) skipMisc(body.number(), body);
      else if (opcode === 0xfe) skipAtomic(body.number(), body);
      else skipPlain(opcode, body);
    }
    counts.functions++;
    section.skip(size);
  }
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
