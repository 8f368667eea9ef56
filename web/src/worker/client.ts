import type { Wire } from '../abi/types.js';
import { fromRecord, KingletError } from '../errors.js';
import { loadEngine } from '../host/load.js';
import { posted } from '../model/source.js';
import type { Calls, EngineInfo, FromWorker, Opened, OpenRequest, RunRequest, ToWorker } from './calls.js';
import { type Connection, type ConnectOptions, openImage } from './connection.js';
import { startWorker, type Thread, WorkerUnavailable } from './thread.js';
import { buffersOf, snapshot } from './wire.js';

interface Pending {
  resolve(answer: never): void;
  reject(error: unknown): void;
}

/** The page's side of a worker: sends calls and matches the answers. */
class Client {
  readonly #thread: Thread;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #ready = false;
  lost = false;
  report: ConnectOptions['report'];

  constructor(thread: Thread) {
    this.#thread = thread;
    thread.onmessage = (message) => this.#receive(message);
    thread.onerror = (text) => {
      // Before its first word, the worker's script could not be loaded.
      this.end(
        this.#ready
          ? new KingletError('internal', `the worker failed: ${text}`)
          : new WorkerUnavailable(text),
      );
    };
  }

  ask<Name extends keyof Calls>(call: Name, ask: Calls[Name]['ask'], transfer: Transferable[] = []) {
    return new Promise<Calls[Name]['answer']>((resolve, reject) => {
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve, reject });
      this.#thread.busy(true);
      this.#thread.post({ id, call, ask } as ToWorker, transfer);
    });
  }

  provideModule(module: WebAssembly.Module): void {
    this.#thread.post({ module }, []);
  }

  /** Ends the worker; what it still owes fails with `reason`. */
  end(reason: unknown): void {
    this.lost = true;
    this.#thread.end();
    for (const { reject } of this.#pending.values()) reject(reason);
    this.#pending.clear();
  }

  #receive(message: FromWorker): void {
    if ('ready' in message) {
      this.#ready = true;
    } else if ('progress' in message) {
      this.report?.(message.progress);
    } else {
      const pending = this.#pending.get(message.id);
      this.#pending.delete(message.id);
      if (this.#pending.size === 0) this.#thread.busy(false);
      if ('answer' in message) {
        pending?.resolve(message.answer as never);
        return;
      }
      const error = fromRecord(message.error);
      if (message.lost) this.end(error);
      pending?.reject(error);
    }
  }
}

/** Opens a session in a worker of its own. Fails with WorkerUnavailable when the worker's script cannot be loaded. */
export async function openInWorker(
  request: OpenRequest,
  { report, signal }: ConnectOptions,
): Promise<Connection> {
  const engineCode = loadEngine(request.options.threads);
  engineCode.catch(() => undefined);
  const client = new Client(startWorker());
  client.report = report;
  const abort = () => client.end(signal?.reason);
  signal?.addEventListener('abort', abort);
  try {
    const transfer: Transferable[] = [];
    const files = request.files.map(({ path, source }) => ({ path, source: posted(source, transfer) }));
    const opened = client.ask(
      'open',
      { ...request, model: posted(request.model, transfer), files },
      transfer,
    );
    const { module, variant } = await Promise.race([engineCode, opened.then(() => engineCode)]);
    client.provideModule(module);
    const { description, movable } = await opened;
    const connection = connectionTo(client, await opened, variant);
    const copy = async () => openImage(await client.ask('image', undefined), description, await engineCode);
    return movable ? Object.assign(connection, { copy }) : connection;
  } catch (error) {
    client.end(error);
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

function connectionTo(client: Client, { description, cancelFlag }: Opened, variant: string): Connection {
  let milliseconds = 0;
  /** Of the feeds of the last run. */
  let spares: ArrayBuffer[] = [];
  /** False without shared memory. */
  const setCancelFlag = (value: 0 | 1): boolean => {
    if (!cancelFlag) return false;
    Atomics.store(new Int32Array(cancelFlag.memory.buffer), cancelFlag.index, value);
    return true;
  };
  return {
    description,
    variant,
    get lost() {
      return client.lost;
    },
    get milliseconds() {
      return milliseconds;
    },
    async run({ feeds: given, fetches, owned }: RunRequest): Promise<Wire[]> {
      setCancelFlag(0);
      const feeds = owned ? given : given.map(([input, value]) => [input, snapshot(value, spares)] as const);
      const transfer = buffersOf(feeds.map(([, value]) => value));
      const ran = await client.ask('run', { feeds, fetches, owned: true }, transfer);
      milliseconds = ran.milliseconds;
      spares = ran.spent;
      return ran.results;
    },
    info: (): Promise<EngineInfo> => client.ask('info', undefined),
    startProfiling: () => client.ask('startProfiling', undefined),
    endProfiling: () => client.ask('endProfiling', undefined),
    cancel: () => setCancelFlag(1),
    close: () =>
      client.end(new KingletError('session_released', 'the session was released before it answered')),
  };
}
