// Numbers as decimal text, for the engine: JavaScript rounds both ways exactly, so that the engine needs no code for it.
import type { Heap } from '../abi/heap.js';

const ascii = new TextEncoder();

/** The number nearest to a decimal; of `single` precision rounded once, which a double in between would not do. */
export function parseNumber(text: string, single: boolean): number {
  const double = Number(text);
  const nearest = Math.fround(double);
  if (!single) return double;
  if (nearest === double || !Number.isFinite(nearest)) return nearest;
  // Halfway between two float32, the digits that the double has lost decide.
  const other = double + (double - nearest);
  if (Math.fround(other) !== other) return nearest;
  const side = compare(text, double);
  if (side === 0) return nearest;
  return side > 0 ? Math.max(nearest, other) : Math.min(nearest, other);
}

/** The fewest digits that are read back as `value`, with an exponent. `value` is finite, and a float32 where `single` is set. */
export function printNumber(value: number, single: boolean): string {
  const sign = Object.is(value, -0) ? '-' : '';
  if (!single) return sign + value.toExponential();
  let text = '';
  for (let digits = 0; digits < 9; digits++) {
    text = value.toExponential(digits);
    if (parseNumber(text, true) === value) break;
  }
  return sign + text;
}

/** The sign of a decimal minus a finite double, exactly. */
function compare(text: string, double: number): number {
  const [, sign, whole = '', part = '', exponent = '0'] = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(
    text,
  ) as string[];
  const digits = BigInt(`0${whole}${part}`) * (sign === '-' ? -1n : 1n);
  const tens = Number(exponent) - part.length;
  // double = bits * 2^twos
  let bits = double;
  let twos = 0;
  for (; !Number.isInteger(bits); twos--) bits *= 2;
  const power = (base: bigint, n: number) => base ** BigInt(Math.max(n, 0));
  const left = digits * power(10n, tens) * power(2n, -twos);
  const right = BigInt(bits) * power(10n, -tens);
  return left < right ? -1 : Number(left > right);
}

/** The engine's functions (wasm/base/host.h). */
export const numberImports = (heap: () => Heap) => ({
  number_parse: (at: number, length: number, single: number): number =>
    parseNumber(heap().text(at >>> 0, length >>> 0), single !== 0),
  number_print: (value: number, single: number, at: number): number => {
    const text = ascii.encode(printNumber(value, single !== 0));
    heap().write(at >>> 0, text);
    return text.length;
  },
});
