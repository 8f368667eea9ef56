// Protobuf wire format over plain descriptors: a message is an object, a repeated field an array.
// Unknown fields are skipped on reading. int64 values that fit are numbers, others bigints.

/**
 * @typedef {'int' | 'float' | 'double' | 'string' | 'bytes'} Scalar
 * @typedef {{ name: string, type: Scalar | (() => Message), repeated: boolean, packed: boolean }} Field
 * @typedef {Map<number, Field>} Message
 */

/**
 * Rows `number: 'name type'`, with `[]` after the type for repeated and `[packed]` for packed fields.
 * @param {Record<number, string>} rows
 * @param {Record<string, () => Message>} [types] the message types that rows name
 * @returns {Message}
 */
export function message(rows, types = {}) {
  const fields = new Map();
  for (const [number, row] of Object.entries(rows)) {
    const [, name, type, list] = /^(\w+) (\w+)(\[\]|\[packed\])?$/.exec(row) ?? [];
    fields.set(Number(number), {
      name,
      type: types[type] ?? type,
      repeated: list !== undefined,
      packed: list === '[packed]',
    });
  }
  return fields;
}

const narrow = (value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value);

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }
  varint() {
    let low = 0;
    let shift = 0;
    for (;;) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError('protobuf: the message ends inside a number');
      if (shift >= 28) return this.longVarint(low, shift, byte);
      low |= (byte & 127) << shift;
      if (byte < 128) return low;
      shift += 7;
    }
  }
  longVarint(low, shift, byte) {
    let value = BigInt(low >>> 0);
    for (;;) {
      value |= BigInt(byte & 127) << BigInt(shift);
      if (byte < 128) return narrow(BigInt.asIntN(64, value));
      shift += 7;
      if (shift > 63) throw new RangeError('protobuf: a number of more than ten bytes');
      byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError('protobuf: the message ends inside a number');
    }
  }
  slice() {
    const size = this.varint();
    if (size < 0 || this.at + size > this.bytes.length)
      throw new RangeError('protobuf: a field is longer than its message');
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }
  fixed(size) {
    this.at += size;
    return this.at - size;
  }
}

const wireOf = { int: 0, double: 1, string: 2, bytes: 2, float: 5 };
const text = new TextDecoder();

function readScalar(reader, type) {
  switch (type) {
    case 'int':
      return reader.varint();
    case 'float':
      return reader.view.getFloat32(reader.fixed(4), true);
    case 'double':
      return reader.view.getFloat64(reader.fixed(8), true);
    case 'string':
      return text.decode(reader.slice());
    default:
      return reader.slice();
  }
}

const readField = (reader, type) =>
  typeof type === 'function' ? decode(type(), reader.slice()) : readScalar(reader, type);

function readPacked(bytes, type) {
  const reader = new Reader(bytes);
  const values = [];
  while (reader.at < bytes.length) values.push(readScalar(reader, type));
  return values;
}

/**
 * Byte fields of the result are views of `bytes`.
 * @param {Message} type
 * @param {Uint8Array} bytes
 */
export function decode(type, bytes) {
  const reader = new Reader(bytes);
  const result = {};
  while (reader.at < bytes.length) {
    const tag = reader.varint();
    const wire = tag & 7;
    const field = type.get(tag >>> 3);
    if (!field) {
      skip(reader, wire);
      continue;
    }
    const packed = typeof field.type === 'string' && wire === 2 && wireOf[field.type] !== 2;
    const values = packed ? readPacked(reader.slice(), field.type) : [readField(reader, field.type)];
    if (!field.repeated) result[field.name] = values.at(-1);
    else if (result[field.name]) for (const value of values) result[field.name].push(value);
    else result[field.name] = values;
  }
  return result;
}

function skip(reader, wire) {
  if (wire === 0) reader.varint();
  else if (wire === 1) reader.fixed(8);
  else if (wire === 2) reader.slice();
  else if (wire === 5) reader.fixed(4);
  else throw new RangeError(`protobuf: wire type ${wire}`);
}

class Writer {
  constructor() {
    /** @type {Uint8Array[]} */
    this.parts = [];
    this.size = 0;
  }
  push(part) {
    this.parts.push(part);
    this.size += part.length;
  }
  varint(number) {
    let value = BigInt.asUintN(64, BigInt(number));
    const bytes = [];
    while (value > 127n) {
      bytes.push(Number(value & 127n) | 128);
      value >>= 7n;
    }
    bytes.push(Number(value));
    this.push(Uint8Array.from(bytes));
  }
  blob(bytes) {
    this.varint(bytes.length);
    this.push(bytes);
  }
  scalar(type, value) {
    if (type === 'int') this.varint(value);
    else if (type === 'float') this.push(new Uint8Array(new Float32Array([value]).buffer));
    else if (type === 'double') this.push(new Uint8Array(new Float64Array([value]).buffer));
    else this.blob(type === 'string' ? new TextEncoder().encode(value) : value);
  }
  bytes() {
    const whole = new Uint8Array(this.size);
    let at = 0;
    for (const part of this.parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

/**
 * @param {Message} type
 * @param {object} value
 * @returns {Uint8Array}
 */
export function encode(type, value) {
  const writer = new Writer();
  for (const [number, field] of type) {
    const given = value[field.name];
    if (given === undefined) continue;
    const list = field.repeated ? given : [given];
    if (field.packed) {
      if (list.length === 0) continue;
      const packed = new Writer();
      for (const item of list) packed.scalar(field.type, item);
      writer.varint(number * 8 + 2);
      writer.blob(packed.bytes());
      continue;
    }
    for (const item of list) {
      if (typeof field.type === 'function') {
        writer.varint(number * 8 + 2);
        writer.blob(encode(field.type(), item));
      } else {
        writer.varint(number * 8 + wireOf[field.type]);
        writer.scalar(field.type, item);
      }
    }
  }
  return writer.bytes();
}
