// Runtimes under Node: onnxruntime-node is the mark that native code sets.
import { readSubject } from '../models/subjects.mjs';
import { openRuntime } from '../support/runtimes.mjs';
import { inTurn } from './statistics.mjs';

/**
 * A contestant as statistics.mjs wants it, of this process.
 * @param {string} runtime of tests/support/runtimes.mjs
 * @returns {Promise<{ name: string, creation: number, time: (runs: number) => Promise<number[]>, release: () => Promise<void> }>}
 */
export async function contestantHere(name, runtime, subject) {
  const opened = await openRuntime(runtime);
  const model = await readSubject(subject);
  const series = subject.series ? await subject.series() : [await subject.feeds()];
  let turn = 0;
  const since = performance.now();
  const session = await opened.create(model);
  const creation = performance.now() - since;
  const time = async (runs) => {
    const times = [];
    for (let i = 0; i < runs; i++) {
      const start = performance.now();
      await session.run(series[turn++ % series.length]);
      times.push(performance.now() - start);
    }
    return times;
  };
  return { name, creation, time, release: () => session.release() };
}

/** @param {string[]} runtimes names of tests/support/runtimes.mjs */
export async function timeModelInNode(subject, runtimes, options) {
  const contestants = [];
  for (const name of runtimes) contestants.push(await contestantHere(name, name, subject));
  const times = await inTurn(contestants, options);
  for (const { release } of contestants) await release();
  return { times, creation: Object.fromEntries(contestants.map(({ name, creation }) => [name, creation])) };
}
