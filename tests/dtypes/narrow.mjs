// Narrow floats by their values alone: every code's number is listed once, and a number is the code whose value is nearest.
import { numbers } from '../support/compare.mjs';

const exponentsOf4Bits = [0, 0.5, 1, 1.5, 2, 3, 4, 6];

/** Codes and the numbers that they stand for; of float4e2m1 one code per byte. */
const decoders = {
  float4e2m1: (codes) => Float64Array.from(codes, (c) => (c & 8 ? -1 : 1) * exponentsOf4Bits[c & 7]),
  float8e8m0: (codes) => Float64Array.from(codes, (c) => (c === 255 ? Number.NaN : 2 ** (c - 127))),
};

/** @returns {ArrayLike<number>} the numbers behind bits of the type */
export function decode(type, codes) {
  return decoders[type] ? decoders[type](codes) : numbers({ type, data: codes });
}

export const isNarrow = (type) => /^(float16|bfloat16|float8.*|float4e2m1)$/.test(type);

const tables = new Map();
const quiet = { float16: 512, bfloat16: 64, float8e5m2: 2 };

/** The finite codes that are not negative, by rising value, with their values. */
function table(type) {
  if (!tables.has(type)) {
    const bits = type === 'float4e2m1' ? 4 : type.startsWith('float8') ? 8 : 16;
    const half = type === 'float8e8m0' ? 256 : 2 ** (bits - 1);
    const codes = Uint16Array.from({ length: half }, (_, i) => i);
    const values = Float64Array.from(decode(type, bits === 16 ? codes : Uint8Array.from(codes)));
    const end = values.findIndex((value) => !Number.isFinite(value));
    const count = end < 0 ? half : end;
    tables.set(type, { sign: half, values: values.subarray(0, count), top: end < 0 ? count - 1 : end });
  }
  return tables.get(type);
}

/** The code nearest to `x`, ties to the even code. Beyond the largest number: its infinity, or the largest number. */
export function encode(type, x) {
  const { sign, values, top } = table(type);
  const negative = x < 0 || Object.is(x, -0);
  const size = Math.abs(x);
  const last = values.length - 1;
  const hasInfinity = type === 'float16' || type === 'bfloat16' || type === 'float8e5m2';
  let code;
  if (Number.isNaN(x)) {
    if (type.endsWith('fnuz')) return 128;
    // With infinities, the quiet NaN, whose bits no conversion changes.
    return type === 'float4e2m1' ? 0 : top + (quiet[type] ?? 0);
  }
  if (size >= values[last]) {
    const half = (values[last] - values[last - 1]) / 2;
    code = hasInfinity && size - values[last] >= half ? top : last;
  } else {
    let low = 0;
    let high = last;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (values[middle] <= size) low = middle;
      else high = middle;
    }
    const below = size - values[low];
    const above = values[high] - size;
    code = below < above || (below === above && low % 2 === 0) ? low : high;
  }
  if (code === 0 && type.endsWith('fnuz')) return 0;
  return type === 'float8e8m0' ? code : negative ? code + sign : code;
}

/** The distance from `x` to the next number of the type. */
export function ulp(type, x) {
  const size = Math.abs(x);
  if (type === 'float64') return Math.max(size * 2 ** -52, Number.MIN_VALUE);
  if (type === 'float32') return Math.max(2 ** (Math.floor(Math.log2(size || 1e-45)) - 23), 2 ** -149);
  const { values } = table(type);
  let low = 0;
  let high = values.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (values[middle] <= size) low = middle;
    else high = middle;
  }
  return values[high] - values[low];
}
