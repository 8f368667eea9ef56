// Writes .tflite files: the tables of the schema that float32 networks need, field by field, with flatbuffers' builder.
import { Builder } from 'flatbuffers';

const FLOAT32 = 0;
const INT32 = 2;
/** Number in BuiltinOperator and, of the options, number in the union and fields in their order: `b` a byte, `i` an int. */
const operators = {
  ADD: { code: 0, options: 11, fields: { activation: 'b' } },
  CONV_2D: { code: 3, options: 1, fields: { padding: 'b', strideW: 'i', strideH: 'i', activation: 'b' } },
  DEPTHWISE_CONV_2D: {
    code: 4,
    options: 2,
    fields: { padding: 'b', strideW: 'i', strideH: 'i', multiplier: 'i', activation: 'b' },
  },
  FULLY_CONNECTED: { code: 9, options: 8, fields: { activation: 'b' } },
  MAX_POOL_2D: {
    code: 17,
    options: 5,
    fields: { padding: 'b', strideW: 'i', strideH: 'i', width: 'i', height: 'i', activation: 'b' },
  },
  PAD: { code: 34, options: 22, fields: {} },
  MEAN: { code: 40, options: 27, fields: { keepDims: 'b' } },
};
export const padding = { SAME: 0, VALID: 1 };
export const activation = { none: 0, relu: 1, relu6: 3 };

const names = Object.keys(operators);

export class TfliteModel {
  #tensors = [];
  /** Buffer 0 is the empty one, of all tensors that are computed. */
  #buffers = [new Uint8Array(0)];
  #operators = [];

  #tensor(shape, type, buffer, name = `t${this.#tensors.length}`) {
    return this.#tensors.push({ shape, type, buffer, name }) - 1;
  }
  /** A computed float32 tensor; its number. */
  value = (shape, name) => this.#tensor(shape, FLOAT32, 0, name);
  /** A constant from a Float32Array or Int32Array; its number. */
  constant(shape, data) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const buffer = this.#buffers.push(bytes) - 1;
    return this.#tensor(shape, data instanceof Int32Array ? INT32 : FLOAT32, buffer);
  }
  /** @param {keyof typeof operators} name @param {Record<string, number>} options absent ones are 0 */
  add(name, inputs, output, options = {}) {
    this.#operators.push({ name, inputs, output, options });
    return output;
  }

  /** The file. */
  bytes(inputs, outputs) {
    const size = this.#buffers.reduce((sum, { length }) => sum + length, 0);
    const b = new Builder(size + (1 << 16));
    const ints = (values) => {
      b.startVector(4, values.length, 4);
      for (const value of [...values].reverse()) b.addInt32(value);
      return b.endVector();
    };
    const list = (offsets) => {
      b.startVector(4, offsets.length, 4);
      for (const offset of [...offsets].reverse()) b.addOffset(offset);
      return b.endVector();
    };
    const table = (fields, fill) => {
      b.startObject(fields);
      fill();
      return b.endObject();
    };
    const buffers = this.#buffers.map((bytes) => {
      const data = bytes.length > 0 && this.#blob(b, bytes);
      return table(1, () => data && b.addFieldOffset(0, data, 0));
    });
    const tensors = this.#tensors.map(({ shape, type, buffer, name }) => {
      const [dims, text] = [ints(shape), b.createString(name)];
      return table(4, () => {
        b.addFieldOffset(0, dims, 0);
        b.addFieldInt8(1, type, 0);
        b.addFieldInt32(2, buffer, 0);
        b.addFieldOffset(3, text, 0);
      });
    });
    const steps = this.#operators.map(({ name, inputs: from, output, options }) => {
      const { options: union, fields } = operators[name];
      const [reads, gives] = [ints(from), ints([output])];
      const settings = table(Object.keys(fields).length, () => {
        for (const [slot, [field, kind]] of Object.entries(fields).entries())
          if (kind === 'b') b.addFieldInt8(slot, options[field] ?? 0, 0);
          else b.addFieldInt32(slot, options[field] ?? 0, 0);
      });
      return table(5, () => {
        b.addFieldInt32(0, names.indexOf(name), 0);
        b.addFieldOffset(1, reads, 0);
        b.addFieldOffset(2, gives, 0);
        b.addFieldInt8(3, union, 0);
        b.addFieldOffset(4, settings, 0);
      });
    });
    const codes = names.map((name) => {
      const { code } = operators[name];
      return table(4, () => {
        b.addFieldInt8(0, code, 0);
        b.addFieldInt32(2, 1, 0);
        b.addFieldInt32(3, code, 0);
      });
    });
    const parts = [list(tensors), ints(inputs), ints(outputs), list(steps)];
    const graph = table(4, () => {
      for (const [slot, part] of parts.entries()) b.addFieldOffset(slot, part, 0);
    });
    const [codeList, graphList, text, bufferList] = [
      list(codes),
      list([graph]),
      b.createString('kinglet recipes'),
      list(buffers),
    ];
    const model = table(5, () => {
      b.addFieldInt32(0, 3, 0);
      for (const [i, part] of [codeList, graphList, text, bufferList].entries())
        b.addFieldOffset(i + 1, part, 0);
    });
    b.finish(model, 'TFL3');
    return b.asUint8Array();
  }

  /** Contents of a buffer, 16 bytes aligned as the schema wants them. */
  #blob(b, bytes) {
    b.startVector(1, bytes.length, 16);
    b.space -= bytes.length;
    b.bb.setPosition(b.space);
    b.bb.bytes().set(bytes, b.space);
    return b.endVector();
  }
}
