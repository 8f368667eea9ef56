import type { Wire } from '../abi/types.js';

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

/** The same value with arrays of its own. */
export function snapshot(value: Wire): Wire {
  if (value === null) return null;
  if (value.kind === 'sequence') return { kind: 'sequence', items: value.items.map(snapshot) };
  if (value.kind === 'map')
    return { kind: 'map', keys: snapshot(value.keys), values: snapshot(value.values) };
  // slice() of a typed array on shared memory gives one on memory of its own.
  return { ...value, data: value.data.slice() };
}
