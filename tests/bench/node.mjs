// The same models under Node, with onnxruntime-node as the mark that native code sets.

import { readSubject } from '../models/subjects.mjs';
import { openRuntime } from '../support/runtimes.mjs';
import { inTurn } from './statistics.mjs';

/** @param {string[]} runtimes names of tests/support/runtimes.mjs */
export async function timeModelInNode(subject, runtimes, options) {
  const model = await readSubject(subject);
  const feeds = await subject.feeds();
  const creation = {};
  const contestants = [];
  const sessions = [];
  for (const name of runtimes) {
    const runtime = await openRuntime(name);
    const since = performance.now();
    const session = await runtime.create(model);
    creation[name] = performance.now() - since;
    sessions.push(session);
    const time = async (runs) => {
      const times = [];
      for (let i = 0; i < runs; i++) {
        const start = performance.now();
        await session.run(feeds);
        times.push(performance.now() - start);
      }
      return times;
    };
    contestants.push({ name, time });
  }
  const times = await inTurn(contestants, options);
  for (const session of sessions) await session.release();
  return { times, creation };
}
