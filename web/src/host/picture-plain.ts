// Formats so plain that reading them is shorter than asking who can: PNM, which neither browsers nor sharp decode, and BMP,
// which sharp does not. What is cut off is a RangeError.

/** One byte per channel, row by row. */
export interface PlainPicture {
  width: number;
  height: number;
  channels: 1 | 3;
  pixels: Uint8Array;
}

/** Told the size before memory is taken; may throw. */
type Admit = (width: number, height: number) => void;

const cutOff = () => new RangeError('the file ends early');

/** P1 to P6; undefined for P7. Samples become 8 bits. */
export function readPnm(encoded: Uint8Array, admit: Admit): PlainPicture | undefined {
  const kind = (encoded[1] as number) - 48;
  if (kind > 6) return undefined;
  let at = 2;
  const byte = () => {
    if (at >= encoded.length) throw cutOff();
    return encoded[at++] as number;
  };
  const isDigit = (code: number) => code >= 48 && code <= 57;
  /** The next number; of one digit when `single`. */
  const number = (single = false) => {
    let code = byte();
    for (; !isDigit(code); code = byte()) {
      if (code === 35) while (code !== 10) code = byte();
      else if (code > 32) throw new RangeError('a number was expected');
    }
    let value = code - 48;
    while (!single && at < encoded.length && isDigit(encoded[at] as number) && value < 2 ** 40)
      value = 10 * value + byte() - 48;
    return value;
  };
  const bits = kind % 3 === 1;
  const channels = kind % 3 === 0 ? 3 : 1;
  const [width, height] = [number(), number()];
  const most = bits ? 1 : number();
  if (!width || !height || !most || most > 65535) throw new RangeError('sizes of 0, or too many shades');
  admit(width, height);
  const row = width * channels;
  const size = kind === 4 ? Math.ceil(width / 8) : kind < 4 ? row : row * (most > 255 ? 2 : 1);
  if (encoded.length - at < size * height) throw cutOff();
  const pixels = new Uint8Array(row * height);
  // One byte stands between the header and samples that are not text.
  if (kind > 3) byte();
  let octet = 0;
  for (let i = 0; i < pixels.length; i++) {
    let value: number;
    if (kind < 4) value = number(bits);
    else if (bits) {
      const bit = (i % width) & 7;
      if (bit === 0) octet = byte();
      value = (octet >> (7 - bit)) & 1;
    } else value = most > 255 ? 256 * byte() + byte() : byte();
    const share = Math.min(value / most, 1);
    // A set bit is black.
    pixels[i] = Math.round(255 * (bits ? 1 - share : share));
  }
  return { width, height, channels, pixels };
}

/** Uncompressed pictures of 1, 4, 8, 24 and 32 bits; undefined for other kinds. */
export function readBmp(encoded: Uint8Array, admit: Admit): PlainPicture | undefined {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const header = view.getUint32(14, true);
  // OS/2's.
  if (header === 12 || header === 16) return undefined;
  if (header < 40 || header > encoded.length) throw new RangeError(`a header of ${header} bytes`);
  const width = view.getInt32(18, true);
  const signed = view.getInt32(22, true);
  const height = Math.abs(signed);
  const bits = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  // Masks of 32 bits that say what is usual anyway.
  const usual = compression === 3 && bits === 32 && view.getUint32(54, true) === 0xff0000;
  if (![1, 4, 8, 24, 32].includes(bits) || (compression !== 0 && !usual)) return undefined;
  if (width <= 0 || height === 0) throw new RangeError(`a size of ${width} x ${signed}`);
  admit(width, height);
  const row = Math.ceil((width * bits) / 32) * 4;
  const start = view.getUint32(10, true);
  if (start + row * height > encoded.length) throw cutOff();
  const pixels = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    const x = i % width;
    const y = Math.floor(i / width);
    // Rows go upwards unless the height is negative.
    const line = start + row * (signed < 0 ? y : height - 1 - y);
    let from = line + x * (bits >> 3);
    if (bits <= 8) {
      const bit = x * bits;
      const octet = encoded[line + (bit >> 3)] as number;
      from = 14 + header + 4 * ((octet >> (8 - bits - (bit & 7))) & ((1 << bits) - 1));
    }
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = encoded[from + 2 - c] ?? 0;
  }
  return { width, height, channels: 3, pixels };
}
