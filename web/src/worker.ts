// The script of the worker that holds one session.
import { isNode } from './host/features.js';
import { builtin, type NodePort } from './host/node.js';
import type { ToWorker } from './worker/calls.js';
import { Host } from './worker/host.js';

if (isNode()) {
  const port = builtin('node:worker_threads').parentPort as NodePort;
  const host = new Host((message, transfer) => port.postMessage(message, transfer));
  port.on('message', (message: ToWorker) => void host.receive(message));
} else {
  const scope = globalThis as unknown as DedicatedWorkerGlobalScope;
  const host = new Host((message, transfer) => scope.postMessage(message, transfer));
  scope.onmessage = ({ data }: MessageEvent<ToWorker>) => void host.receive(data);
}

/** What is used here of the worker's global scope; the DOM library does not have it. */
interface DedicatedWorkerGlobalScope {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}
