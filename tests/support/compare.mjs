// Comparison of values (see values.mjs; runtime tensors fit too, since they have type, dims and data).
import { isTensor } from './values.mjs';

const scratch = new DataView(new ArrayBuffer(8));

function float16(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

function bfloat16(bits) {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}

/** 8-bit floats: `exponent` bits, bias, which encodings are NaN and infinity. */
function float8(bits, { exponentBits, bias, finite, unsignedZero }) {
  const mantissaBits = 7 - exponentBits;
  const sign = bits & 128 ? -1 : 1;
  const exponent = (bits & 127) >> mantissaBits;
  const fraction = bits & ((1 << mantissaBits) - 1);
  const top = (1 << exponentBits) - 1;
  if (unsignedZero && bits === 128) return Number.NaN;
  if (!unsignedZero && finite && (bits & 127) === 127) return Number.NaN;
  if (!finite && exponent === top) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  const scale = 2 ** -mantissaBits;
  return (
    sign * (exponent ? 2 ** (exponent - bias) * (1 + fraction * scale) : 2 ** (1 - bias) * fraction * scale)
  );
}

const narrowFloats = {
  float16,
  bfloat16,
  float8e4m3fn: (bits) => float8(bits, { exponentBits: 4, bias: 7, finite: true, unsignedZero: false }),
  float8e4m3fnuz: (bits) => float8(bits, { exponentBits: 4, bias: 8, finite: true, unsignedZero: true }),
  float8e5m2: (bits) => float8(bits, { exponentBits: 5, bias: 15, finite: false, unsignedZero: false }),
  float8e5m2fnuz: (bits) => float8(bits, { exponentBits: 5, bias: 16, finite: true, unsignedZero: true }),
};

/** The numbers of a tensor as doubles; a tensor whose data already holds numbers (Float16Array) is read as it is. */
export function numbers({ type, data }) {
  const convert = narrowFloats[type];
  if (!convert || data.constructor.name.startsWith('Float')) return data;
  return Float64Array.from(data, convert);
}

const isFloat = (type) => /^(b?float|complex)/.test(type) && type !== 'float4e2m1' && type !== 'float8e8m0';

/**
 * What differs, in words, or undefined when the values agree: numpy's |a - b| <= atol + rtol |b| for floating point
 * (infinities and NaN must be the same), equality for everything else.
 */
export function mismatch(actual, expected, { rtol = 1e-3, atol = 1e-7 } = {}) {
  if (expected === null || expected === undefined)
    return actual === null || actual === undefined ? undefined : 'expected an empty optional';
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return 'expected a sequence';
    if (actual.length !== expected.length) return `sequence of ${actual.length}, expected ${expected.length}`;
    for (let i = 0; i < expected.length; i++) {
      const found = mismatch(actual[i], expected[i], { rtol, atol });
      if (found) return `element ${i}: ${found}`;
    }
    return undefined;
  }
  if (expected instanceof Map) {
    if (!(actual instanceof Map)) return 'expected a map';
    if (actual.size !== expected.size) return `map of ${actual.size}, expected ${expected.size}`;
    for (const [key, value] of expected) {
      const found = actual.has(key) ? mismatch(actual.get(key), value, { rtol, atol }) : 'missing';
      if (found) return `key ${key}: ${found}`;
    }
    return undefined;
  }
  if (!isTensor(expected)) return Object.is(actual, expected) ? undefined : `${actual}, expected ${expected}`;
  if (!isTensor(actual)) return 'expected a tensor';
  return tensorMismatch(actual, expected, rtol, atol);
}

const floatsClose = (rtol, atol) => (x, y) =>
  x === y ||
  (Number.isNaN(x) && Number.isNaN(y)) ||
  (Number.isFinite(y) && Math.abs(x - y) <= atol + rtol * Math.abs(y));

function tensorMismatch(actual, expected, rtol, atol) {
  if (actual.type !== expected.type) return `type ${actual.type}, expected ${expected.type}`;
  if (actual.dims.join() !== expected.dims.join())
    return `shape [${actual.dims}], expected [${expected.dims}]`;
  const a = numbers(actual);
  const b = numbers(expected);
  if (a.length !== b.length) return `${a.length} elements, expected ${b.length}`;
  const close = isFloat(expected.type) ? floatsClose(rtol, atol) : (x, y) => x === y;
  let wrong = 0;
  let first = -1;
  for (let i = 0; i < b.length; i++) {
    if (close(a[i], b[i])) continue;
    if (first < 0) first = i;
    wrong++;
  }
  return wrong === 0
    ? undefined
    : `${wrong} of ${b.length} elements differ, first at ${first}: ${a[first]}, expected ${b[first]}`;
}

/**
 * Largest absolute difference over the largest magnitude of `expected`; infinite when a number is not finite on one
 * side only, or when types or shapes differ.
 */
export function relativeDifference(actual, expected) {
  if (actual.type !== expected.type || actual.dims.join() !== expected.dims.join())
    return Number.POSITIVE_INFINITY;
  const a = numbers(actual);
  const b = numbers(expected);
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < b.length; i++) {
    const x = Number(a[i]);
    const y = Number(b[i]);
    if (Object.is(x, y)) {
      if (Number.isFinite(y)) largest = Math.max(largest, Math.abs(y));
      continue;
    }
    const d = Math.abs(x - y);
    if (Number.isNaN(d) || d === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
    difference = Math.max(difference, d);
    largest = Math.max(largest, Math.abs(y));
  }
  return difference === 0 ? 0 : difference / largest;
}
