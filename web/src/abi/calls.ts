import { type ErrorRecord, fromRecord, KingletError } from '../errors.js';
import type { Exports, Handle } from './abi.js';
import { encode, type Heap } from './heap.js';

/** What the generated calls share: passing texts and lists, and turning failures into errors. */
export class Calls {
  protected readonly exports: Exports;
  readonly heap: Heap;
  #roomAt = 0;
  #roomBytes = 0;

  constructor(exports: Exports, heap: Heap) {
    this.exports = exports;
    this.heap = heap;
  }

  /** A handle, or the engine's last error thrown. */
  protected handle(handle: number): Handle {
    if (handle === 0) throw this.#failure();
    return handle >>> 0;
  }

  protected done(done: number): void {
    if (done === 0) throw this.#failure();
  }

  /** The text behind a handle, which is released. */
  protected takeText(handle: number): string {
    const { kl_bytes_data, kl_bytes_size, kl_release } = this.exports;
    const text = this.heap.text(kl_bytes_data(this.handle(handle)) >>> 0, kl_bytes_size(handle) >>> 0);
    kl_release(handle);
    return text;
  }

  /** Writes arguments where the engine can read them: [address, length] of each, one after the other. */
  protected place(...values: (string | readonly number[])[]): number[] {
    const [only] = values;
    if (values.length === 1 && typeof only === 'object') {
      const at = this.room(8 * only.length);
      this.heap.writeInts(at, only);
      return [at, only.length];
    }
    const encoded = values.map((value) => (typeof value === 'string' ? encode(value) : value));
    const size = (value: Uint8Array | readonly number[]) =>
      value instanceof Uint8Array ? (value.length + 7) & ~7 : 8 * value.length;
    const total = encoded.reduce((sum, value) => sum + size(value), 0);
    let at = this.room(total);
    return encoded.flatMap((value) => {
      const place = [at, value.length];
      if (value instanceof Uint8Array) this.heap.write(at, value);
      else this.heap.writeInts(at, value);
      at += size(value);
      return place;
    });
  }

  /** Where arguments of the next call go, which are `bytes` long. */
  room(bytes: number): number {
    if (bytes > this.#roomBytes) {
      this.#roomBytes = 0;
      this.#roomAt = this.exports.kl_scratch(bytes) >>> 0;
      if (this.#roomAt === 0) throw new KingletError('out_of_memory', `${bytes} bytes for arguments`);
      this.#roomBytes = bytes;
    }
    return this.#roomAt;
  }

  #failure(): KingletError {
    const handle = this.exports.kl_last_error();
    if (handle === 0) return new KingletError('out_of_memory', 'there is no room left to say what failed');
    return fromRecord({ code: 'internal', detail: '', message: '', context: {}, ...this.#parse(handle) });
  }

  #parse(handle: number): Partial<ErrorRecord> {
    return JSON.parse(this.takeText(handle)) as Partial<ErrorRecord>;
  }
}
