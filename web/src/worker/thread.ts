// Starts the worker that holds a session: a module worker in browsers, a worker_threads one in Node.
import { env } from '../env.js';
import { newWorker, workerFile } from '../files.js';
import { isNode } from '../host/features.js';
import { startNodeWorker } from '../host/node.js';
import type { FromWorker, ToWorker } from './calls.js';
import { trusted } from './trusted.js';

/** A running worker. */
export interface Thread {
  post(message: ToWorker, transfer: Transferable[]): void;
  onmessage: (message: FromWorker) => void;
  onerror: (text: string) => void;
  /** In Node, an idle worker does not keep the process alive. */
  busy(value: boolean): void;
  end(): void;
}

/** The worker's script could not be loaded: not found, of another origin, or forbidden by the page's policy. */
export class WorkerUnavailable extends Error {
  override name = 'WorkerUnavailable';
}

/** The package's worker, with a trusted URL: what `newWorker` passes to the constructor is only known when it is called. */
function construct(): Worker {
  const paths = env.wasm.wasmPaths;
  const own = typeof paths === 'object' ? paths.mjs : undefined;
  if (own) return new Worker(trusted(new URL(own, globalThis.location?.href)), { type: 'module' });
  if (!('trustedTypes' in globalThis)) return newWorker();
  const RealWorker = globalThis.Worker;
  try {
    globalThis.Worker = class {
      constructor(url: URL | string, options?: WorkerOptions) {
        // biome-ignore lint/correctness/noConstructorReturn: it stands in for the real constructor
        return new RealWorker(trusted(url), options);
      }
    } as unknown as typeof Worker;
    return newWorker();
  } finally {
    globalThis.Worker = RealWorker;
  }
}

export function startWorker(): Thread {
  if (isNode()) return startNodeThread();
  let worker: Worker;
  try {
    worker = construct();
  } catch (error) {
    throw new WorkerUnavailable(String(error));
  }
  const thread: Thread = {
    post: (message, transfer) => worker.postMessage(message, transfer),
    onmessage: () => undefined,
    onerror: () => undefined,
    busy: () => undefined,
    end: () => worker.terminate(),
  };
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => thread.onmessage(data);
  worker.onerror = (event) => {
    event.preventDefault();
    thread.onerror(event.message ?? 'its script could not be loaded');
  };
  worker.onmessageerror = () => thread.onerror('a message could not be read');
  return thread;
}

function startNodeThread(): Thread {
  const worker = startNodeWorker(workerFile());
  const thread: Thread = {
    post: (message, transfer) => worker.postMessage(message, transfer),
    onmessage: () => undefined,
    onerror: () => undefined,
    busy: (value) => (value ? worker.ref() : worker.unref()),
    end: () => void worker.terminate(),
  };
  worker.on('message', (message: FromWorker) => thread.onmessage(message));
  worker.on('error', (error: Error) => thread.onerror(error.message));
  return thread;
}
