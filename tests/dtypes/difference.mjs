// Whether a result is what a judge expects, by element type.
import { ulp } from './narrow.mjs';
import { isFloat, unpack } from './tensors.mjs';

/** Of computed floats: distance in units of the narrow type's last place, or numpy's rtol and atol. */
const tolerances = {
  float32: { ulps: 0, rtol: 1e-5, atol: 1e-6 },
  float64: { ulps: 0, rtol: 1e-11, atol: 1e-12 },
};
const narrow = { ulps: 1, rtol: 0, atol: 0 };

const bytes = (data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/**
 * @param {any} actual
 * @param {any} expected a tensor, or an array of them
 * @param {{ exact?: boolean, ulps?: number, rtol?: number, atol?: number }} [options] `exact`: the same bits;
 *   tolerances are for the type at hand
 * @returns {string | undefined} what differs
 */
export function difference(actual, expected, options = {}) {
  if (expected === undefined || expected === null)
    return actual === undefined || actual === null ? undefined : 'expected nothing';
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length)
      return `expected a sequence of ${expected.length}`;
    return expected.map((item, i) => difference(actual[i], item, options)).find(Boolean);
  }
  if (!actual) return 'nothing came';
  if (actual.type !== expected.type) return `type ${actual.type}, expected ${expected.type}`;
  if (actual.dims.join() !== expected.dims.join())
    return `shape [${actual.dims}], expected [${expected.dims}]`;
  if (options.exact && actual.type !== 'string') {
    const a = bytes(actual.data);
    const b = bytes(expected.data);
    const at = a.findIndex((byte, i) => byte !== b[i]);
    return at < 0 && a.length === b.length ? undefined : `byte ${at} is ${a[at]}, expected ${b[at]}`;
  }
  const a = unpack(actual);
  const b = unpack(expected);
  if (a.length !== b.length) return `${a.length} elements, expected ${b.length}`;
  const type = actual.type.startsWith('complex') ? `float${actual.type.slice(7) / 2}` : actual.type;
  const { ulps, rtol, atol } = { ...(tolerances[type] ?? narrow), ...options };
  for (let i = 0; i < b.length; i++) {
    if (a[i] === b[i] || (Number.isNaN(a[i]) && Number.isNaN(b[i]))) continue;
    if (isFloat(type) && Number.isFinite(b[i])) {
      const distance = Math.abs(a[i] - b[i]);
      if (distance <= atol + rtol * Math.abs(b[i])) continue;
      if (ulps > 0 && distance <= ulps * ulp(type, b[i])) continue;
    }
    return `element ${i} of ${b.length} is ${a[i]}, expected ${b[i]}`;
  }
  return undefined;
}
