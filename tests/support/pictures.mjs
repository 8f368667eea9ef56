// Picture files with known pixels, written here byte by byte.
import { crc32, deflateSync } from 'node:zlib';

/** @returns {Uint8Array} `count` bytes that look like noise, the same each time */
export const noise = (count, seed = 1) =>
  Uint8Array.from({ length: count }, (_, i) => (Math.imul(i + seed * 97, 2654435761) >>> 13) & 255);

function chunk(name, contents) {
  const part = Buffer.concat([Buffer.alloc(4), Buffer.from(name), contents, Buffer.alloc(4)]);
  part.writeUInt32BE(contents.length);
  part.writeUInt32BE(crc32(part.subarray(4, -4)), part.length - 4);
  return part;
}

/** EXIF that would have the picture turned by 90 degrees. */
export const turned = Buffer.from('4d4d002a00000008000101120003000000010006000000000000', 'hex');

/**
 * @param {number} width
 * @param {number} height
 * @param {Uint8Array} samples row by row, high byte first for 16 bits
 * @param {{ color?: 'grey' | 'rgb' | 'palette' | 'grey and alpha' | 'rgba', bits?: number, palette?: Uint8Array, exif?: boolean }} form
 */
export function png(width, height, samples, { color = 'rgb', bits = 8, palette, exif = false } = {}) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = bits;
  header[9] = { grey: 0, rgb: 2, palette: 3, 'grey and alpha': 4, rgba: 6 }[color];
  const row = samples.length / height;
  const rows = Array.from({ length: height }, (_, y) => [
    Buffer.of(0),
    samples.subarray(y * row, (y + 1) * row),
  ]);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    ...(exif ? [chunk('eXIf', turned)] : []),
    ...(palette ? [chunk('PLTE', palette)] : []),
    chunk('IDAT', deflateSync(Buffer.concat(rows.flat()))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** RGB samples as a BMP of 24 bits. */
export function bmp(width, height, rgb) {
  const row = (3 * width + 3) & ~3;
  const file = Buffer.alloc(54 + row * height);
  file.write('BM');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        file[54 + (height - 1 - y) * row + 3 * x + 2 - c] = rgb[3 * (y * width + x) + c];
  return file;
}

/** A JPEG with an EXIF part that turns it put in. */
export function turnedJpeg(jpeg) {
  const segment = Buffer.concat([Buffer.from('ffe10000457869660000', 'hex'), turned]);
  segment.writeUInt16BE(segment.length - 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
}

/** Luminance as ITU-R BT.601 has it, of samples of `channels` bytes. */
export function luminance(samples, channels = 3) {
  const out = [];
  for (let i = 0; i < samples.length; i += channels)
    out.push(Math.floor((19595 * samples[i] + 38470 * samples[i + 1] + 7471 * samples[i + 2]) / 65536 + 0.5));
  return out;
}

/** What a picture becomes in `format`, from RGB. */
export function expected(rgb, format) {
  if (format === 'Grayscale') return luminance(rgb);
  const out = Array.from(rgb);
  return format === 'BGR' ? out.map((_, i) => rgb[i - (i % 3) + 2 - (i % 3)]) : out;
}
