// What a language model with a cache is fed, run after run; under Node and in a page.
import { randomNumbers } from './random.mjs';

/**
 * @typedef {{ layers: number, width: number, heads: number, kv: number, vocabulary: number, context?: number }} Sizes
 *   of models/recipes/decoders.mjs; with a `context` it takes no position_ids
 */

/** `keep`: for each row of the batch a one for a token, a zero for padding, up to the last of `ids`. */
function tokens(sizes, ids, keep) {
  const int64 = (rows) => ({
    type: 'int64',
    data: BigInt64Array.from(rows.flat(), BigInt),
    dims: [rows.length, rows[0].length],
  });
  const feeds = { input_ids: int64(ids), attention_mask: int64(keep) };
  if (sizes.context) return feeds;
  const positions = keep.map((row, i) => {
    let seen = 0;
    // Where padding is does not matter.
    const all = row.map((kept) => (kept ? seen++ : 1));
    return all.slice(-ids[i].length);
  });
  return { ...feeds, position_ids: int64(positions) };
}

/** @param {(length: number) => Float32Array} make the elements of a part of one layer */
function cacheOf({ layers, width, heads, kv }, batch, past, make) {
  const dims = [batch, kv, past, width / heads];
  const length = dims.reduce((product, extent) => product * extent, 1);
  const names = Array.from({ length: layers }, (_, i) => [`${i}.key`, `${i}.value`]).flat();
  return Object.fromEntries(
    names.map((name) => [`past_key_values.${name}`, { type: 'float32', data: make(length), dims }]),
  );
}

const fedBack = (outputs) =>
  Object.fromEntries(
    Object.entries(outputs)
      .filter(([name]) => name.startsWith('present.'))
      .map(([name, tensor]) => [name.replace('present', 'past_key_values'), tensor]),
  );

/**
 * The feeds of a prompt and of `count` single tokens behind it. `next` takes the outputs of the run before, whose cache is fed
 * back as it came. Tokens are drawn from a seed, whatever the scores say: every runtime gets the same.
 * @param {Sizes} sizes
 * @param {{ prompt: number, count: number, padding?: number[] }} options `padding`: how much of it each row starts with
 */
export function* decoding(sizes, { prompt, count, padding = [0] }) {
  const random = randomNumbers(3);
  const draw = (length) =>
    padding.map(() => Array.from({ length }, () => Math.floor(random() * sizes.vocabulary)));
  const keep = padding.map((zeros) => Array.from({ length: prompt }, (_, i) => Number(i >= zeros)));
  let cache = cacheOf(sizes, padding.length, 0, (length) => new Float32Array(length));
  for (let run = 0; run <= count; run++) {
    if (run > 0) for (const row of keep) row.push(1);
    cache = fedBack(yield { ...tokens(sizes, draw(run === 0 ? prompt : 1), keep), ...cache });
  }
}

/** The feeds of one token behind a cache of `past` random ones. @param {Sizes} sizes */
export function oneToken(sizes, past) {
  const random = randomNumbers(4);
  const numbers = (length) => Float32Array.from({ length }, () => 2 * random() - 1);
  return { ...tokens(sizes, [[1]], [Array(past + 1).fill(1)]), ...cacheOf(sizes, 1, past, numbers) };
}
