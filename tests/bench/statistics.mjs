/** @param {number[]} values not empty */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

export const median = (values) => quantile(values, 0.5);

/** Half the distance between the quartiles, relative to the median. */
export const spread = (values) => (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / median(values);

export const geometricMean = (values) =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

/** Milliseconds after which engines have compiled what is hot, and small runs are where they stay. */
const settling = 500;

/**
 * Times contestants in turn, A B A B ..., so that a slow moment of the machine hits all of them.
 * @param {{ name: string, time: (runs: number) => Promise<number[]> }[]} contestants `time` gives milliseconds per run
 * @param {{ rounds: number, block: number }} options a contestant's turn lasts about `block` milliseconds
 * @returns {Promise<Record<string, { median: number, spread: number, rounds: number[] }>>} `rounds`: median of each turn
 */
export async function inTurn(contestants, { rounds, block }) {
  const runs = [];
  for (const contestant of contestants) {
    const since = performance.now();
    let [, each] = await contestant.time(2);
    do {
      each = median(await contestant.time(Math.max(1, Math.min(2000, Math.floor(block / 2 / each)))));
    } while (performance.now() - since < settling);
    runs.push(Math.max(1, Math.min(2000, Math.round(block / each))));
  }
  const samples = contestants.map(() => []);
  const turns = contestants.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      const times = await contestant.time(runs[i]);
      samples[i].push(...times);
      turns[i].push(median(times));
    }
  }
  return Object.fromEntries(
    contestants.map(({ name }, i) => [
      name,
      { median: median(samples[i]), spread: spread(samples[i]), rounds: turns[i] },
    ]),
  );
}

/** How many times faster `ours` was than `theirs`, turn by turn: the median of the ratios. */
export const ratio = (ours, theirs) => median(ours.rounds.map((value, i) => theirs.rounds[i] / value));
