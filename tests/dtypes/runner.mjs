// Runs groups of cases on a runtime in a process of its own; a group that fails is run again case by case.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '../support/runtimes.mjs';
import { modelOf, outputName } from './models.mjs';

const worker = fileURLToPath(new URL('worker.mjs', import.meta.url));

/**
 * @typedef {{ outputs?: any[], failure?: string, code?: string }} Result `code`: of a typed error of the runtime
 * @param {string} runtime
 * @param {import('./models.mjs').Case[][]} groups
 * @param {{ timeout?: number }} [options] `timeout` in milliseconds per group
 * @returns {Promise<Map<object, Result>>} by case
 */
export async function runGroups(runtime, groups, { timeout = 20_000 } = {}) {
  const results = new Map();
  const queue = [...groups];
  while (queue.length > 0) await serve(runtime, queue, timeout, results);
  return results;
}

/** One process until the queue is empty or the process is lost. */
function serve(runtime, queue, timeout, results) {
  return new Promise((resolve, reject) => {
    const child = fork(worker, [runtime], {
      execArgv: nodeFlags(runtime),
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let current;
    let timer;
    let ready = false;
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      stderr = (stderr + chunk).slice(-2000);
    });
    const settle = (answer) => {
      if (current === undefined) return;
      if (answer.outputs) {
        for (const [i, item] of current.entries())
          results.set(item, { outputs: item.outputs.map((_, k) => answer.outputs[outputName(i, k)]) });
      } else if (current.length > 1) {
        queue.unshift(...current.map((item) => [item]));
      } else {
        results.set(current[0], answer);
      }
      current = undefined;
    };
    child.on('message', (message) => {
      clearTimeout(timer);
      ready = true;
      settle(message);
      current = queue.shift();
      if (current === undefined) return child.disconnect();
      child.send(modelOf(current));
      timer = setTimeout(() => child.kill('SIGKILL'), timeout);
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (!ready) return reject(new Error(`${runtime} does not start:\n${stderr}`));
      settle({ failure: `the process ended: ${signal ?? code} ${stderr}` });
      resolve();
    });
  });
}
