// What the bytes of a picture's file say before anything decodes them.
import { KingletError } from '../errors.js';

export type PictureFormat = 'JPEG' | 'PNG' | 'WebP' | 'GIF' | 'BMP' | 'TIFF' | 'JPEG 2000' | 'PNM';

// How each begins, in hexadecimal digits.
const beginnings: [PictureFormat, RegExp][] = [
  ['JPEG', /^ffd8ff/],
  ['PNG', /^89504e470d0a1a0a/],
  ['WebP', /^52494646.{8}57454250/],
  ['GIF', /^474946383[79]61/],
  ['BMP', /^424d/],
  ['TIFF', /^(49492[ab]00|4d4d002[ab])/],
  ['JPEG 2000', /^(0000000c6a502020|ff4fff51)/],
  ['PNM', /^503[1-7](09|0a|0d|20)/],
];

/** Fails with `invalid_input` for bytes that are no picture. */
export function formatOf(encoded: Uint8Array): PictureFormat {
  const start = Array.from(encoded.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
  const format = beginnings.find(([, beginning]) => beginning.test(start))?.[0];
  if (format) return format;
  throw new KingletError('invalid_input', `${encoded.length} bytes that are no picture of a known format`, {
    context: { expected: beginnings.map(([name]) => name).join(', ') },
  });
}

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array) =>
  new DataView(buffer, byteOffset, byteLength);

/** The parts of a file: places of their names, and of their contents. A part that the file's end cuts off is the last. */
function* parts(format: PictureFormat, encoded: Uint8Array): Generator<[name: number, contents: number]> {
  const view = viewOf(encoded);
  const last = encoded.length - 12;
  if (format === 'JPEG') {
    // Segments up to the compressed data: two bytes of marker, two of length.
    for (
      let at = 2;
      at <= last && encoded[at] === 0xff && encoded[at + 1] !== 0xda;
      at += 2 + view.getUint16(at + 2)
    )
      yield [at, at + 4];
  } else if (format === 'PNG') {
    for (let at = 8; at <= last; at += 12 + view.getUint32(at)) yield [at + 4, at + 8];
  } else if (format === 'WebP') {
    for (let at = 12; at <= last; at += 8 + ((view.getUint32(at + 4, true) + 1) & ~1)) yield [at, at + 8];
  }
}

const frameHeaders = [0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];

/** Width and height as the file says them; undefined where they need a closer look. Fails with a RangeError when cut off. */
export function extentsOf(format: PictureFormat, encoded: Uint8Array): [number, number] | undefined {
  const view = viewOf(encoded);
  if (format === 'PNG') return [view.getUint32(16), view.getUint32(20)];
  if (format === 'GIF') return [view.getUint16(6, true), view.getUint16(8, true)];
  if (format === 'BMP') return [Math.abs(view.getInt32(18, true)), Math.abs(view.getInt32(22, true))];
  // The other forms of WebP have at most 2^14 in each direction.
  if (format === 'WebP' && encoded[15] === 0x58)
    return [(view.getUint32(23, true) >>> 8) + 1, (view.getUint32(26, true) >>> 8) + 1];
  if (format !== 'JPEG') return undefined;
  for (const [marker, at] of parts(format, encoded)) {
    if (frameHeaders.includes(encoded[marker + 1] as number))
      return [view.getUint16(at + 3), view.getUint16(at + 1)];
  }
  return undefined;
}

/** A copy in which no decoder finds how EXIF would have the picture turned: browsers cannot be told to let it be. */
export function withoutExif(format: PictureFormat, encoded: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(encoded);
  for (const [name, contents] of parts(format, encoded)) {
    const at = format === 'JPEG' ? contents : name;
    if (/^exif$/i.test(String.fromCharCode(...encoded.subarray(at, at + 4)))) {
      // The case of a letter makes it a part that nobody knows.
      copy[at + 1] = (copy[at + 1] as number) ^ 0x20;
    }
  }
  return copy;
}
