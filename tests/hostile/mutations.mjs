// Damaged copies of a model: cut short, or with one byte changed. The same ones on every machine.
import * as onnx from '../support/onnx.mjs';
import { decode } from '../support/protobuf.mjs';
import { randomNumbers } from '../support/random.mjs';

/** @typedef {{ cut: number } | { at: number, value: number }} Mutation */

/** Runs of bytes that hold weights, as [start, end) in ascending order. */
function weightRanges(bytes) {
  const ranges = [];
  const visit = (value) => {
    if (value instanceof Uint8Array) {
      if (value.length >= 64)
        ranges.push([
          value.byteOffset - bytes.byteOffset,
          value.byteOffset - bytes.byteOffset + value.length,
        ]);
    } else if (Array.isArray(value)) value.forEach(visit);
    else if (value !== null && typeof value === 'object') Object.values(value).forEach(visit);
  };
  visit(decode(onnx.ModelProto, bytes));
  return ranges.sort(([a], [b]) => a - b);
}

/**
 * `cuts` places to cut at, `changes` bytes changed anywhere, and `structural` changes outside of the weights, where
 * nearly every bit means something.
 * @returns {Mutation[]}
 */
export function mutationsOf(bytes, { seed = 7, cuts = 200, changes = 2000, structural = 2000 } = {}) {
  const random = randomNumbers(seed);
  const below = (limit) => Math.floor(random() * limit);
  const mutations = [];
  for (let i = 0; i < cuts; i++) mutations.push({ cut: Math.floor(((i + random()) * bytes.length) / cuts) });
  const change = (at) => mutations.push({ at, value: (bytes[at] + 1 + below(255)) & 255 });
  for (let i = 0; i < changes; i++) change(below(bytes.length));
  const outside = [];
  let at = 0;
  for (const [start, end] of [...weightRanges(bytes), [bytes.length, bytes.length]]) {
    for (; at < start; at++) outside.push(at);
    at = end;
  }
  for (let i = 0; i < structural; i++) change(outside[below(outside.length)]);
  return mutations;
}

/** @param {Mutation} mutation */
export function apply(bytes, mutation) {
  if ('cut' in mutation) return bytes.subarray(0, mutation.cut);
  // A Buffer's slice() would be a view.
  const copy = new Uint8Array(bytes);
  copy[mutation.at] = mutation.value;
  return copy;
}

export const describe = (mutation) =>
  'cut' in mutation ? `cut at ${mutation.cut}` : `byte ${mutation.at} is ${mutation.value}`;
