// Reads .tflite files as the format says, without the library that wrote them; every offset is checked.

class Table {
  constructor(bytes, at) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
    const fields = at - this.view.getInt32(at, true);
    this.size = this.view.getUint16(fields, true);
    this.fields = fields;
  }
  /** Place of field `slot`, or undefined where it has its default. */
  place(slot) {
    const entry = 4 + 2 * slot;
    const offset = entry < this.size ? this.view.getUint16(this.fields + entry, true) : 0;
    return offset === 0 ? undefined : this.at + offset;
  }
  number(slot, read, fallback = 0) {
    const place = this.place(slot);
    return place === undefined ? fallback : this.view[read](place, true);
  }
  int = (slot) => this.number(slot, 'getInt32');
  byte = (slot) => this.number(slot, 'getInt8');
  /** Start and length of the vector of field `slot`, whose elements have `size` bytes. */
  vector(slot, size) {
    const place = this.place(slot);
    if (place === undefined) return { start: 0, length: 0 };
    const start = place + this.view.getUint32(place, true);
    const length = this.view.getUint32(start, true);
    if (start + 4 + length * size > this.bytes.length)
      throw new RangeError('a vector that the file does not hold');
    return { start: start + 4, length };
  }
  ints(slot) {
    const { start, length } = this.vector(slot, 4);
    return Array.from({ length }, (_, i) => this.view.getInt32(start + 4 * i, true));
  }
  blob(slot) {
    const { start, length } = this.vector(slot, 1);
    return this.bytes.subarray(start, start + length);
  }
  tables(slot) {
    const { start, length } = this.vector(slot, 4);
    return Array.from({ length }, (_, i) => {
      const place = start + 4 * i;
      return new Table(this.bytes, place + this.view.getUint32(place, true));
    });
  }
}

/**
 * @param {Uint8Array} bytes
 * @throws {RangeError} where an offset leads out of the file
 */
export function readTflite(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (new TextDecoder().decode(bytes.subarray(4, 8)) !== 'TFL3') throw new Error('no TFL3');
  const model = new Table(bytes, view.getUint32(0, true));
  return {
    version: model.int(0),
    codes: model.tables(1).map((code) => code.int(3)),
    buffers: model.tables(4).map((buffer) => ({ bytes: buffer.blob(0) })),
    subgraphs: model.tables(2).map((graph) => ({
      tensors: graph.tables(0).map((tensor) => ({
        shape: tensor.ints(0),
        type: tensor.byte(1),
        buffer: tensor.int(2),
      })),
      inputs: graph.ints(1),
      outputs: graph.ints(2),
      operators: graph.tables(3).map((operator) => ({
        opcode: operator.int(0),
        inputs: operator.ints(1),
        outputs: operator.ints(2),
      })),
    })),
  };
}
