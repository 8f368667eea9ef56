// Feeds and results of a run in the engine's memory: rows of words, one for each (Exchange in wasm/capi/abi.h).
import type { Abi, Address, Handle } from './abi.js';
import { dtypes } from './lists.js';
import type { Wire } from './types.js';
import { elementsOf, type NumericTensor, readAndRelease, readElements, typeOfResult } from './values.js';

// The words of a row.
const port = 0;
const held = 1;
const dtype = 2;
const rank = 3;
const dimensions = 4;
const bytes = 5;
const elements = 6;
const width = 7;

/** Bytes of a tensor up to which its elements go along with its row; others are written to where the run reads them. */
const small = 1 << 12;

/** An input's place with a tensor of a numeric type, or with the handle of another value. */
export type Feed = readonly [input: number, value: Handle | NumericTensor];

const aligned = (at: number) => ((at + 15) & ~15) >>> 0;

/** Feeds the next run of `session`. Gives the address of rows for its results. */
export function giveFeeds(
  abi: Abi,
  session: Handle,
  feeds: readonly Feed[],
  fetches: readonly number[],
): Address {
  const rows = aligned(4 * width * (fetches.length + feeds.length));
  let room = rows;
  for (const [, value] of feeds)
    if (typeof value !== 'number')
      room += 8 * value.dims.length + Math.min(value.data.byteLength, small) + 32;
  const results = abi.room(room);
  const words = abi.heap.words(results + room);
  let row = results / 4;
  for (const output of fetches) {
    words[row + port] = output;
    row += width;
  }
  const first = row;
  let free = results + rows;
  for (const [input, value] of feeds) {
    words[row + port] = input;
    if (typeof value === 'number') {
      words[row + held] = value;
    } else {
      words[row + held] = 0;
      words[row + dtype] = dtypes[value.type].number;
      words[row + rank] = value.dims.length;
      words[row + dimensions] = free;
      abi.heap.writeInts(free, value.dims);
      free = aligned(free + 8 * value.dims.length);
      const data = elementsOf(value);
      words[row + bytes] = data.byteLength;
      words[row + elements] = 0;
      if (data.byteLength <= small) {
        words[row + elements] = free;
        abi.heap.write(free, data);
        free = aligned(free + data.byteLength);
      }
    }
    row += width;
  }
  abi.sessionFeed(session, 4 * first, feeds.length);
  row = first;
  for (const [, value] of feeds) {
    if (typeof value !== 'number' && value.data.byteLength > small) {
      const data = elementsOf(value);
      const at = abi.heap.words(4 * row + 4 * width)[row + elements] as number;
      if (data.byteLength > small) abi.heap.write(at >>> 0, data);
    }
    row += width;
  }
  return results;
}

/** Copies the results of a run out of the engine. */
export function takeResults(abi: Abi, session: Handle, results: Address, fetches: readonly number[]): Wire[] {
  return fetches.map((output, i) => {
    const row = results / 4 + width * i;
    // Looked at each time: taking a value may make the memory grow.
    const words = abi.heap.words(4 * (row + width));
    const word = (at: number) => (words[row + at] as number) >>> 0;
    if (word(dtype) === 0) return readAndRelease(abi, abi.sessionResult(session, output));
    const type = typeOfResult(word(dtype));
    const dims = abi.heap.ints(word(dimensions), word(rank));
    return { kind: 'tensor', type, dims, data: readElements(abi.heap, type, word(elements), word(bytes)) };
  });
}
