// The pictures of a session's runs: what ImageDecoder finds decoded, and what it wants to have.
import { KingletError } from '../errors.js';
import type { Picture } from '../host/pictures.js';
import type { Heap } from './heap.js';

interface Entry {
  encoded: Uint8Array;
  picture: Picture;
  /** In the run that goes on. */
  used: boolean;
}

// A run begins anew after each picture that it had to wait for; a loop could ask for ever new ones.
const mostPerRun = 256;
// What may stay after a run, for the next one: so that a picture in the model itself is decoded once.
const kept = 2 ** 24;

/** One engine's pictures. */
export class Pictures {
  readonly #heap: () => Heap;
  #entries: Entry[] = [];
  #found: Entry | undefined;
  #decoded = 0;
  /** A copy of the encoded bytes that a run asked for in vain. */
  wanted: Uint8Array<ArrayBuffer> | undefined;
  /** Bytes of pixels and of what they were made from. */
  bytes = 0;

  constructor(heap: () => Heap) {
    this.#heap = heap;
  }

  /** The engine's functions (wasm/base/host.h). */
  readonly imports = {
    picture_find: (at: number, length: number, extents: number): number => {
      const heap = this.#heap();
      const encoded = heap.view(at >>> 0, length >>> 0);
      this.#found = this.#entries.find((entry) => equal(entry.encoded, encoded));
      if (!this.#found) {
        this.wanted = heap.copy(at >>> 0, length >>> 0);
        return 0;
      }
      this.#found.used = true;
      heap.writeUint32(extents >>> 0, this.#found.picture.height);
      heap.writeUint32((extents >>> 0) + 4, this.#found.picture.width);
      return 1;
    },
    picture_read: (format: number, at: number): void => {
      const { picture } = this.#found as Entry;
      const pixels = picture.width * picture.height;
      write(picture, format, this.#heap().view(at >>> 0, pixels * (format === 2 ? 1 : 3)));
    },
  };

  /** Fails with `limit_exceeded` when the run that goes on has had its share already. */
  refuseMore(): void {
    if (this.#decoded < mostPerRun) return;
    throw new KingletError('limit_exceeded', `a run that decodes more than ${mostPerRun} pictures`);
  }

  add(encoded: Uint8Array, picture: Picture): void {
    this.#decoded++;
    this.#entries.push({ encoded, picture, used: false });
    this.bytes += sizeOf(encoded, picture);
  }

  /** After a run: forgets what it did not use, all of it when it failed. */
  settle(succeeded: boolean): void {
    let bytes = 0;
    const stays = (entry: Entry) => {
      const size = sizeOf(entry.encoded, entry.picture);
      if (!succeeded || !entry.used || bytes + size > kept) return false;
      bytes += size;
      entry.used = false;
      return true;
    };
    this.#entries = this.#entries.filter(stays);
    this.#found = undefined;
    this.#decoded = 0;
    this.wanted = undefined;
    this.bytes = bytes;
  }
}

function sizeOf(encoded: Uint8Array, { pixels }: Picture): number {
  return encoded.length + pixels.length;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Writes RGB (0), BGR (1) or luminance (2); alpha is dropped. */
function write({ pixels, channels }: Picture, format: number, to: Uint8Array): void {
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  let at = 0;
  for (let i = 0; i < pixels.length; i += channels) {
    const r = pixels[i] as number;
    const g = pixels[i + green] as number;
    const b = pixels[i + blue] as number;
    if (format === 2) {
      // ITU-R BT.601, rounded to the nearest.
      to[at++] = (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
    } else {
      to[at++] = format === 0 ? r : b;
      to[at++] = g;
      to[at++] = format === 0 ? b : r;
    }
  }
}
