// Starts the threads that help a session's own one. In a browser that is a worker, and so are they.
import type { HelperSeat } from '../abi/session.js';
import { workerFile } from '../files.js';
import { isNode } from '../host/features.js';
import { startNodeWorker } from '../host/node.js';
import type { ToWorker } from './calls.js';
import { trusted } from './trusted.js';

/** Whether this worker's script is a module; a bundler may have made it a classic one. */
function isModule(): boolean {
  try {
    (globalThis as unknown as { importScripts(): void }).importScripts();
    return false;
  } catch {
    return true;
  }
}

/** A helper; one that cannot start is done without. Gives what ends it. */
export function startHelper(seat: HelperSeat): () => void {
  const message: ToWorker = { help: seat };
  if (isNode()) {
    const worker = startNodeWorker(workerFile());
    worker.on('error', () => undefined);
    worker.unref();
    worker.postMessage(message);
    return () => void worker.terminate();
  }
  try {
    // The script of this worker itself, wherever a bundler has put it.
    const worker = new Worker(trusted(globalThis.location.href), { type: isModule() ? 'module' : 'classic' });
    worker.onerror = (event) => event.preventDefault();
    worker.postMessage(message);
    return () => worker.terminate();
  } catch {
    return () => undefined;
  }
}
