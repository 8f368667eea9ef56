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

/** How much longer than its data a buffer may be. */
const slack = 1.25;

/** A buffer for a copy of `bytes` bytes: one of `spares`, which leaves the list, or a new one. */
function bufferFor(bytes: number, spares: ArrayBuffer[]): ArrayBuffer {
  const fits = spares.findIndex(({ byteLength }) => byteLength >= bytes && byteLength <= slack * bytes);
  if (fits >= 0) return spares.splice(fits, 1)[0] as ArrayBuffer;
  // What has grown a little, as a cache of a language model does, will grow again.
  const grows = spares.some(({ byteLength }) => byteLength < bytes && slack * byteLength > bytes);
  return new ArrayBuffer(grows ? Math.ceil(bytes / 64) * 72 : bytes);
}

/** The same value with arrays of its own, on buffers of `spares` where they fit. */
export function snapshot(value: Wire, spares: ArrayBuffer[] = []): Wire {
  const own = (part: Wire) => snapshot(part, spares);
  if (value === null) return null;
  if (value.kind === 'sequence') return { kind: 'sequence', items: value.items.map(own) };
  if (value.kind === 'map') return { kind: 'map', keys: own(value.keys), values: own(value.values) };
  const { type, data } = value;
  const OwnArray = arrayOf(type) as Float32ArrayConstructor | undefined;
  if (spares.length === 0 || Array.isArray(data) || data.constructor !== OwnArray)
    return { ...value, data: copyOf(data) };
  const copy = new OwnArray(bufferFor(data.byteLength, spares), 0, data.length);
  copy.set(data as Float32Array);
  return { ...value, data: copy };
}
