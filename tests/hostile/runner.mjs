import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '../support/runtimes.mjs';

const ownWorker = fileURLToPath(new URL('worker.mjs', import.meta.url));

/**
 * Tries every damaged copy of the targets (targets.mjs). One that takes over `limit` milliseconds is a hang.
 * @param {'simd' | 'relaxed'} variant
 * @param {string} targets
 * @returns {Promise<{ total: number, ran: number, skipped: number, refused: Record<string, number>, slowest: number,
 *   failures: { index: number, detail: string }[] }>} `skipped`: copies of models that the engine does not run anyway
 */
export async function tryMutations(variant, targets, { limit = 2000, worker = ownWorker } = {}) {
  const summary = { total: 0, ran: 0, skipped: 0, refused: {}, slowest: 0, failures: [] };
  let next = 0;
  do {
    const args = [variant, targets, String(next)];
    next = await serve(worker, args, next, limit, summary);
  } while (next < summary.total);
  return summary;
}

/** One process until it is done or lost; gives the index to go on with. */
function serve(worker, args, first, limit, summary) {
  return new Promise((resolve, reject) => {
    const child = fork(worker, args, {
      execArgv: nodeFlags(`kinglet-${args[0]}`),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let next = first;
    let stderr = '';
    let timer;
    let ready = false;
    let late = false;
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      stderr = (stderr + chunk).slice(-2000);
    });
    child.on('message', (message) => {
      clearTimeout(timer);
      ready = true;
      if (message.total !== undefined) summary.total = message.total;
      else {
        next = message.index + 1;
        take(message, limit, summary);
      }
      if (next < summary.total) {
        // Twice the limit: the undamaged model may run in between.
        timer = setTimeout(() => {
          late = true;
          child.kill('SIGKILL');
        }, 2 * limit);
      }
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (!ready) return reject(new Error(`the worker does not start:\n${stderr}`));
      if (code !== 0) {
        const how = late ? `no end after ${2 * limit} ms` : `the process ended with ${signal ?? code}`;
        const detail = `copy ${next}: ${how}\n${stderr}`;
        summary.failures.push({ index: next, detail });
        next++;
      }
      resolve(next);
    });
  });
}

function take({ index, words, verdict, code, detail, milliseconds }, limit, summary) {
  summary.slowest = Math.max(summary.slowest, milliseconds);
  const fail = (why) => summary.failures.push({ index, detail: `${words}: ${why}` });
  if (verdict === 'failed') fail(detail);
  else if (milliseconds > limit) fail(`took ${milliseconds.toFixed(0)} ms`);
  else if (verdict === 'refused') summary.refused[code] = (summary.refused[code] ?? 0) + 1;
  else summary[verdict]++;
}
