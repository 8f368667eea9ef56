// Input tensors of every element type: seeded numbers, and the values at which operators go wrong.
import { randomNumbers } from '../support/random.mjs';
import { dtypes } from '../support/values.mjs';
import { decode, encode, isNarrow } from './narrow.mjs';

const info = Object.fromEntries(dtypes.filter(Boolean).map((d) => [d.name, d]));
export const numberOf = (type) => dtypes.findIndex((d) => d?.name === type);
export const bitsOf = (type) => info[type].bits;
export const isFloat = (type) => /^(b?float|double)/.test(type);
export const isInteger = (type) => /^u?int/.test(type);
export const isSigned = (type) => type.startsWith('int');
export const sizeOf = (dims) => dims.reduce((product, extent) => product * extent, 1);

/** Smallest and largest value of an integer type, as BigInt. */
export function limits(type) {
  const bits = BigInt(bitsOf(type));
  return isSigned(type) ? [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n] : [0n, (1n << bits) - 1n];
}

/** Packs elements of less than a byte, first element in the low bits. */
function pack(bits, codes) {
  const perByte = 8 / bits;
  const data = new Uint8Array(Math.ceil(codes.length / perByte));
  for (const [i, code] of codes.entries())
    data[Math.floor(i / perByte)] |= (code & (2 ** bits - 1)) << ((i % perByte) * bits);
  return data;
}

/** A tensor of the given values: numbers, BigInts, booleans or strings as the type needs; integers wrap. */
export function tensor(type, dims, values) {
  const { array, bits } = info[type];
  if (values.length !== sizeOf(dims)) throw new Error(`${values.length} values for [${dims}]`);
  if (type === 'string') return { type, dims, data: values.map(String) };
  if (type === 'bool') return { type, dims, data: Uint8Array.from(values, (v) => Number(Boolean(v))) };
  if (type.startsWith('complex')) return { type, dims, data: array.from(values.flatMap((v) => [v, 1 - v])) };
  if (isInteger(type)) {
    const codes = values.map((v) => BigInt.asUintN(bits, BigInt(typeof v === 'number' ? Math.trunc(v) : v)));
    if (bits < 8) return { type, dims, data: pack(bits, codes.map(Number)) };
    if (bits === 64)
      return { type, dims, data: array.from(codes, (c) => (isSigned(type) ? BigInt.asIntN(64, c) : c)) };
    return { type, dims, data: array.from(codes, Number) };
  }
  if (isNarrow(type) || type === 'float8e8m0') {
    const codes = values.map((v) => encode(type, Number(v)));
    return { type, dims, data: bits < 8 ? pack(bits, codes) : array.from(codes) };
  }
  return { type, dims, data: array.from(values, Number) };
}

/** Numbers that the float type holds at its ends. */
function floatExtremes(type) {
  const largest =
    { float16: 65504, float32: 3.4028234663852886e38, float64: Number.MAX_VALUE }[type] ?? 2 ** 127;
  const least = { float16: 2 ** -24, float32: 2 ** -149, float64: Number.MIN_VALUE }[type] ?? 2 ** -126;
  return [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -0,
    0,
    largest,
    -largest,
    least,
    -least,
  ];
}

/**
 * `kind`: any (specials first), finite, positive, unit (-1..1), small (integers 1..5), whole (-5..5, 0..5 unsigned)
 * @param {string} type
 * @param {number[]} dims
 * @param {{ kind?: string, seed?: number, low?: number, high?: number }} [options]
 */
export function make(type, dims, { kind = 'any', seed = 1, low, high } = {}) {
  const random = randomNumbers(seed * 7919 + sizeOf(dims));
  const count = sizeOf(dims);
  const values = Array.from({ length: count }, () => random());
  const between = (a, b) => values.map((v) => a + v * (b - a));
  if (type === 'string')
    return tensor(
      type,
      dims,
      values.map((v) => ['', 'a', 'Zaunkönig', 'b c', '小鳥'][Math.floor(v * 5)]),
    );
  if (type === 'bool')
    return tensor(
      type,
      dims,
      values.map((v) => v < 0.5),
    );
  if (low !== undefined) {
    const spread = between(low, high);
    return tensor(type, dims, isInteger(type) ? spread.map(Math.round) : spread);
  }
  if (kind === 'small')
    return tensor(
      type,
      dims,
      values.map((v) => 1 + Math.floor(v * 5)),
    );
  if (isInteger(type)) {
    const [least, most] = limits(type);
    const near = values.map((v) => BigInt(Math.floor(v * 11)) - (isSigned(type) ? 5n : 0n));
    if (kind === 'any') {
      const specials = [least, most, 0n, 1n, most - 1n, least + 1n, isSigned(type) ? -1n : 2n];
      return tensor(
        type,
        dims,
        near.map((v, i) => (i < specials.length ? specials[i] : v)),
      );
    }
    return tensor(type, dims, kind === 'positive' ? near.map((v) => (v < 0n ? -v : v) + 1n) : near);
  }
  if (type.startsWith('complex')) return tensor(type, dims, between(-4, 4));
  if (kind === 'whole')
    return tensor(
      type,
      dims,
      values.map((v) => Math.floor(v * 11) - 5),
    );
  const ranges = { any: [-4, 4], finite: [-4, 4], positive: [0.1, 4], unit: [-0.98, 0.98] };
  const numbers = between(...ranges[kind]);
  if (kind === 'any')
    floatExtremes(type).forEach((v, i) => {
      if (i < count) numbers[i] = v;
    });
  return tensor(type, dims, numbers);
}

/** The numbers of a tensor of any numeric type, one entry per element. */
export function unpack({ type, dims, data }) {
  const bits = bitsOf(type);
  if (bits >= 8 || bits === 0)
    return isFloat(type) && type !== 'float32' && type !== 'float64' ? decode(type, data) : data;
  const perByte = 8 / bits;
  const codes = Uint8Array.from(
    { length: sizeOf(dims) },
    (_, i) => (data[Math.floor(i / perByte)] >> ((i % perByte) * bits)) & (2 ** bits - 1),
  );
  if (type === 'float4e2m1') return decode(type, codes);
  return isSigned(type) ? Int8Array.from(codes, (c) => (c << (32 - bits)) >> (32 - bits)) : codes;
}

/** The same values in another float type. */
export const converted = (value, type) => tensor(type, value.dims, Array.from(unpack(value), Number));
