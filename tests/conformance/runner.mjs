// Spreads cases over processes. Every case gets a verdict:
//   pass      all outputs agree
//   mismatch  an output differs
//   refused   a typed error of the runtime
//   untyped   any other exception, a WebAssembly trap among them
//   crash     the process ended
//   hang      no answer in time
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '../support/runtimes.mjs';

const worker = fileURLToPath(new URL('worker.mjs', import.meta.url));

/**
 * @param {string} runtime
 * @param {string[]} names
 * @param {{ processes?: number, timeout?: number }} [options] `timeout` in milliseconds per case
 * @returns {Promise<Map<string, { verdict: string, message?: string, operators?: string[], milliseconds?: number }>>}
 */
export async function runCases(runtime, names, { processes = 2, timeout = 30_000 } = {}) {
  const results = new Map();
  const queue = [...names];
  const lane = async () => {
    while (queue.length > 0) await serve(runtime, queue, timeout, results);
  };
  await Promise.all(Array.from({ length: Math.min(processes, names.length) }, lane));
  return results;
}

/** One process until the queue is empty or the process is lost. */
function serve(runtime, queue, timeout, results) {
  return new Promise((resolve, reject) => {
    const child = fork(worker, [runtime], {
      execArgv: nodeFlags(runtime),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let current;
    let timer;
    let late = false;
    let ready = false;
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      stderr = (stderr + chunk).slice(-2000);
    });
    child.on('message', (message) => {
      clearTimeout(timer);
      ready = true;
      if (message.name) results.set(message.name, message);
      current = queue.shift();
      if (current === undefined) return child.disconnect();
      child.send(current);
      timer = setTimeout(() => {
        late = true;
        child.kill('SIGKILL');
      }, timeout);
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (!ready) return reject(new Error(`${runtime} does not start:\n${stderr}`));
      if (current !== undefined) {
        const verdict = late ? 'hang' : 'crash';
        results.set(current, {
          verdict,
          message: late ? `over ${timeout} ms` : `${signal ?? code} ${stderr}`,
        });
      }
      resolve();
    });
  });
}
