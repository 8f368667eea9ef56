// The only file that makes views of the engine's memory.
import { constructorOf, type NumericArray, type TypedArrayConstructor } from '../dtypes.js';
import { KingletError } from '../errors.js';

const utf8 = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Reads and writes one engine's memory. Views that it hands out end with the next call into the engine. */
export class Heap {
  readonly memory: WebAssembly.Memory;
  readonly #views = new Map<TypedArrayConstructor, NumericArray>();
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

  // Growth ends views of memory, or leaves those of shared memory short: what is long enough is good.

  /** The memory up to `end`, and beyond. */
  #upTo(end: number): Uint8Array {
    if (this.#bytes.length < end) this.#bytes = new Uint8Array(this.memory.buffer);
    return this.#bytes;
  }

  /** The memory up to `end`, and beyond, as words. */
  words(end: number): Int32Array {
    if (this.#words.length * 4 < end) this.#words = new Int32Array(this.memory.buffer);
    return this.#words;
  }

  /** The memory up to `end`, and beyond, in elements. */
  #elements(Elements: TypedArrayConstructor, end: number): NumericArray {
    let view = this.#views.get(Elements);
    if (!view || view.byteLength < end) {
      view = new Elements(this.memory.buffer);
      this.#views.set(Elements, view);
    }
    return view;
  }

  /** Makes the memory at least `bytes` long. Throws a RangeError when there is no room. */
  growTo(bytes: number): void {
    const missing = bytes - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / 65536));
  }

  /** A view of `length` bytes. */
  view(at: number, length: number): Uint8Array {
    return this.#upTo(at + length).subarray(at, at + length);
  }

  /** A copy of `length` bytes in a buffer of its own. */
  copy(at: number, length: number): Uint8Array<ArrayBuffer> {
    return this.read(Uint8Array, at, length) as Uint8Array<ArrayBuffer>;
  }

  /** A copy of `length` elements in a buffer of its own. */
  read(Elements: TypedArrayConstructor, at: number, length: number): NumericArray {
    const { BYTES_PER_ELEMENT: bytes } = Elements;
    // The engine may have constants as they lie in a file.
    if (at % bytes !== 0) return new Elements(this.copy(at, length * bytes).buffer);
    // slice() of a typed array on shared memory gives one on memory of its own.
    return this.#elements(Elements, at + length * bytes).slice(at / bytes, at / bytes + length);
  }

  /** Writes the elements of a typed array. `at` is a multiple of their size. */
  write(at: number, data: NumericArray): void {
    const Elements = constructorOf(data);
    if (Elements) {
      // Without a view of its own, which for a small array would make it a buffer.
      (this.#elements(Elements, at + data.byteLength) as Uint8Array).set(
        data as Uint8Array,
        at / Elements.BYTES_PER_ELEMENT,
      );
    } else {
      this.#upTo(at + data.byteLength).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    }
  }

  /** `length` bytes of UTF-8. */
  text(at: number, length: number): string {
    return decoder.decode(this.shared ? this.copy(at, length) : this.view(at, length));
  }

  /** `count` int64 as numbers; exact below 2^53. `at` is a multiple of 8. */
  ints(at: number, count: number): number[] {
    const words = this.words(at + 8 * count);
    const values = new Array<number>(count);
    for (let i = 0, word = at >>> 2; i < count; i++, word += 2) {
      values[i] = (words[word + 1] as number) * 2 ** 32 + ((words[word] as number) >>> 0);
    }
    return values;
  }

  /** Writes integers as int64. `at` is a multiple of 8. Fails with `invalid_argument` for what is no exact integer. */
  writeInts(at: number, values: readonly number[]): void {
    const words = this.words(at + 8 * values.length);
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
