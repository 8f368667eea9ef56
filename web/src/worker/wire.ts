import type { Wire } from '../abi/types.js';
import { arrayOf, copyOf } from '../dtypes.js';

/** Every array buffer in the values, to transfer them. */
export function buffersOf(values: Iterable<Wire>): ArrayBuffer[] {
  const buffers: ArrayBuffer[] = [];
  const visit = (value: Wire): void => {
    if (value === null) return;
    if (value.kind === 'sequence') value.items.forEach(visit);
    else if (value.kind === 'map') [value.keys, value.values].forEach(visit);
    else if (!Array.isArray(value.data)) buffers.push(value.data.buffer as ArrayBuffer);
  };
  for (const value of values) visit(value);
  return buffers;
}

/** The same value with arrays of its own: on buffers of `spares` that fit, which leave the list, or on new ones. */
export function snapshot(value: Wire, spares: ArrayBuffer[] = []): Wire {
  const own = (part: Wire) => snapshot(part, spares);
  if (value === null) return null;
  if (value.kind === 'sequence') return { kind: 'sequence', items: value.items.map(own) };
  if (value.kind === 'map') return { kind: 'map', keys: own(value.keys), values: own(value.values) };
  const { type, data } = value;
  const OwnArray = arrayOf(type);
  if (!Array.isArray(data) && data.constructor === OwnArray) {
    const fits = spares.findIndex(({ byteLength }) => byteLength === data.byteLength);
    if (fits >= 0) {
      const [spare] = spares.splice(fits, 1);
      const copy = new (OwnArray as Float32ArrayConstructor)(spare as ArrayBuffer);
      copy.set(data as Float32Array);
      return { ...value, data: copy };
    }
  }
  return { ...value, data: copyOf(data) };
}
