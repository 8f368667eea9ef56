// Plain progress lines with seconds per step, and the one way to stop with a message.
import { spawn } from 'node:child_process';

/** A failure whose message is complete for the person who reads it; no stack is shown. */
export class Stop extends Error {}

/**
 * @param {string} message
 * @returns {never}
 */
export function stop(message) {
  throw new Stop(message);
}

/** @param {number} since */
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/**
 * Runs `work` between a start line and an end line; what it returns may be a short text for the end line.
 * @template T
 * @param {string} name
 * @param {() => T | Promise<T>} work
 */
export async function step(name, work) {
  const since = performance.now();
  console.log(`- ${name} ...`);
  const note = await work();
  console.log(`  ${name}: ${typeof note === 'string' ? `${note}, ` : ''}${seconds(since)}`);
  return note;
}

/**
 * Runs a program and returns its output (stdout and stderr as one text); `live` shows it as it comes.
 * @param {string} program
 * @param {string[]} args
 * @param {{ live?: boolean, allowFailure?: boolean, cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ code: number, text: string }>}
 */
export function run(program, args, { live = false, allowFailure = false, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    });
    let text = '';
    /** @param {NodeJS.WriteStream} stream */
    const take = (stream) => (/** @type {string} */ chunk) => {
      text += chunk;
      if (live) stream.write(chunk);
    };
    child.stdout.setEncoding('utf8').on('data', take(process.stdout));
    child.stderr.setEncoding('utf8').on('data', take(process.stderr));
    child.on('error', (error) => {
      if (allowFailure) resolve({ code: 127, text: error.message });
      else reject(new Stop(`${program} could not be started: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      if (code === 0 || allowFailure) resolve({ code: code ?? 128, text });
      else {
        const shown = live ? '' : `\n${text.trimEnd()}`;
        reject(new Stop(`${[program, ...args].join(' ')} ended with ${signal ?? code}${shown}`));
      }
    });
  });
}

/**
 * Calls a script's main function; a Stop becomes one message and exit code 1.
 * @param {() => Promise<void>} body
 */
export async function main(body) {
  const since = performance.now();
  try {
    await body();
    console.log(`done in ${seconds(since)}`);
  } catch (error) {
    console.error(error instanceof Stop ? `\nSTOPPED: ${error.message}` : error);
    process.exitCode = 1;
  }
}
