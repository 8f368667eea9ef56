// The only file that makes views of the engine's memory.
import { KingletError } from '../errors.js';

const utf8 = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Reads and writes one engine's memory. Views that it hands out end with the next call into the engine. */
export class Heap {
  readonly memory: WebAssembly.Memory;
  #bytes: Uint8Array;
  #words: Int32Array;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#words = new Int32Array(memory.buffer);
  }

  /** True when other threads see the same memory. */
  get shared(): boolean {
    return typeof SharedArrayBuffer !== 'undefined' && this.memory.buffer instanceof SharedArrayBuffer;
  }

  /** All of the memory. Growth replaces the buffer, so it is looked at each time. */
  get #all(): Uint8Array {
    if (this.#bytes.buffer !== this.memory.buffer) this.#bytes = new Uint8Array(this.memory.buffer);
    return this.#bytes;
  }

  get #integers(): Int32Array {
    if (this.#words.buffer !== this.memory.buffer) this.#words = new Int32Array(this.memory.buffer);
    return this.#words;
  }

  /** Makes the memory at least `bytes` long. Throws a RangeError when there is no room. */
  growTo(bytes: number): void {
    const missing = bytes - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
  }

  /** A view of `length` bytes. */
  view(at: number, length: number): Uint8Array {
    return this.#all.subarray(at, at + length);
  }

  /** A copy of `length` bytes in a buffer of its own. */
  copy(at: number, length: number): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(length);
    copy.set(this.view(at, length));
    return copy;
  }

  /** Writes the bytes of any typed array. */
  write(at: number, data: ArrayBufferView): void {
    this.#all.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
  }

  /** `length` bytes of UTF-8. */
  text(at: number, length: number): string {
    return decoder.decode(this.shared ? this.copy(at, length) : this.view(at, length));
  }

  /** `count` int64 as numbers; exact below 2^53. `at` is a multiple of 8. */
  ints(at: number, count: number): number[] {
    const words = this.#integers;
    const values = new Array<number>(count);
    for (let i = 0, word = at >>> 2; i < count; i++, word += 2) {
      values[i] = (words[word + 1] as number) * 2 ** 32 + ((words[word] as number) >>> 0);
    }
    return values;
  }

  /** Writes integers as int64. `at` is a multiple of 8. Fails with `invalid_argument` for what is no exact integer. */
  writeInts(at: number, values: readonly number[]): void {
    const words = this.#integers;
    let word = at >>> 2;
    for (const value of values) {
      if (!Number.isSafeInteger(value))
        throw new KingletError('invalid_argument', `${value} is not an integer`);
      words[word++] = value;
      words[word++] = Math.floor(value / 2 ** 32);
    }
  }

  int32(at: number): number {
    return new DataView(this.memory.buffer).getInt32(at, true);
  }

  writeUint32(at: number, value: number): void {
    new DataView(this.memory.buffer).setUint32(at, value, true);
  }

  writeUint64(at: number, value: bigint): void {
    new DataView(this.memory.buffer).setBigUint64(at, value, true);
  }
}

/** The UTF-8 bytes of a text. */
export function encode(text: string): Uint8Array<ArrayBuffer> {
  return utf8.encode(text);
}

/** Strings in the packed form of `kl_strings_new`: a uint32 byte length each, then the texts. */
export function packStrings(strings: readonly string[]): Uint8Array {
  const texts = strings.map(encode);
  const head = 4 * texts.length;
  const packed = new Uint8Array(texts.reduce((sum, text) => sum + text.length, head));
  const lengths = new DataView(packed.buffer);
  let at = head;
  texts.forEach((text, i) => {
    lengths.setUint32(4 * i, text.length, true);
    packed.set(text, at);
    at += text.length;
  });
  return packed;
}

/** The inverse of `packStrings`, for `count` strings. */
export function unpackStrings(packed: Uint8Array<ArrayBuffer>, count: number): string[] {
  const lengths = new DataView(packed.buffer, packed.byteOffset);
  let at = 4 * count;
  return Array.from({ length: count }, (_, i) => {
    const length = lengths.getUint32(4 * i, true);
    at += length;
    return decoder.decode(packed.subarray(at - length, at));
  });
}
