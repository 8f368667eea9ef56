// What a second core is worth on this machine at this moment: virtual cores may share a real one, and that changes by itself.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

// About 10 ms of integer operations, six of which can begin at a time: virtual cores that share a real one halve that,
// while chains of multiplications, which wait, would hide it. Nothing is in memory. Turns of many short calls: code that was
// optimised within a loop may be thrown away while it runs.
const loop = `
const { parentPort, workerData } = require('node:worker_threads');
const bell = new Int32Array(workerData);
function turn() {
  let [a, b, c, d, e, f] = [1, 2, 3, 4, 5, 6];
  for (let i = 0; i < 20000; i++) {
    a = (a + i) | 0; b = (b ^ a) | 0; c = (c + i) | 0; d = (d ^ c) | 0; e = (e + i) | 0; f = (f ^ e) | 0;
  }
  return (a ^ b ^ c ^ d ^ e ^ f) | 0;
}
function work() {
  let result = 0;
  for (let i = 0; i < 400; i++) result ^= turn();
  return result;
}
work();
parentPort.on('message', (workers) => {
  // All begin together.
  Atomics.add(bell, 0, 1);
  while (Atomics.load(bell, 0) < workers);
  const since = performance.now();
  const result = work();
  parentPort.postMessage({ milliseconds: performance.now() - since, result });
});
`;

/**
 * Contestants as statistics.mjs wants them: the same loop on one thread, and on two at once, whose slower one counts. Twice the
 * first over the second is what a second thread can bring.
 */
export function openCores() {
  const bell = new SharedArrayBuffer(4);
  const workers = [0, 1].map(() => new Worker(loop, { eval: true, workerData: bell }));
  const runOn = async (count) => {
    Atomics.store(new Int32Array(bell), 0, 0);
    const answers = workers.slice(0, count).map(async (worker) => {
      const answer = once(worker, 'message');
      worker.postMessage(count);
      return (await answer)[0].milliseconds;
    });
    return Math.max(...(await Promise.all(answers)));
  };
  const contestant = (name, count) => ({
    name,
    async time(runs) {
      const times = [];
      for (let i = 0; i < Math.min(runs, 5); i++) times.push(await runOn(count));
      return times;
    },
  });
  return {
    contestants: [contestant('one loop', 1), contestant('two loops', 2)],
    close: () => Promise.all(workers.map((worker) => worker.terminate())),
  };
}
