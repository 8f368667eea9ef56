// Reads wasm files: numbers, sections, functions and instructions.

export class Reader {
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

/**
 * The sections of a module, each with a reader of its content.
 * @param {Uint8Array} bytes
 * @returns {Generator<{ id: number, content: Reader }>}
 */
export function* sections(bytes) {
  if (Buffer.from(bytes.subarray(0, 8)).toString('hex') !== '0061736d01000000')
    throw new Error('not a wasm module');
  const file = new Reader(bytes, 8);
  while (file.at < file.end) {
    const id = file.byte();
    const size = file.number();
    yield { id, content: new Reader(bytes, file.at, file.at + size) };
    file.skip(size);
  }
}

/**
 * The function bodies of a code section: their locals first, as (count, type) each.
 * @param {Reader} section
 * @returns {Generator<Reader>}
 */
export function* bodies(section) {
  for (let left = section.number(); left > 0; left--) {
    const size = section.number();
    yield new Reader(section.bytes, section.at, section.at + size);
    section.skip(size);
  }
}

/**
 * The types of the locals that a body declares, one each; leaves the reader at the first instruction.
 * @param {Reader} body
 */
export function localsOf(body) {
  /** @type {number[]} */
  const types = [];
  for (let groups = body.number(); groups > 0; groups--) {
    const count = body.number();
    const type = body.byte();
    for (let i = 0; i < count; i++) types.push(type);
  }
  return types;
}

/**
 * The instructions from the reader on: opcode, the second one behind a prefix, and where the first operand stands.
 * @param {Reader} body
 * @returns {Generator<{ opcode: number, sub: number, operand: number }>}
 */
export function* instructions(body) {
  while (body.at < body.end) {
    const opcode = body.byte();
    const sub = opcode >= 0xfc && opcode <= 0xfe ? body.number() : 0;
    const operand = body.at;
    if (opcode === 0xfd) skipSimd(sub, body);
    else if (opcode === 0xfc) skipMisc(sub, body);
    else if (opcode === 0xfe) skipAtomic(sub, body);
    else skipPlain(opcode, body);
    yield { opcode, sub, operand };
  }
}
