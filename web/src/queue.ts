import type { Wire } from './abi/types.js';
import { KingletError } from './errors.js';
import type { RunRequest } from './worker/calls.js';
import type { Connection } from './worker/connection.js';
import { snapshot } from './worker/wire.js';

interface Job {
  request: RunRequest;
  signal: AbortSignal | undefined;
  resolve(results: Wire[]): void;
  reject(error: unknown): void;
  /** Settled: nobody waits any more. */
  done: boolean;
  /** Running while the engine has been asked to end this run. */
  grace?: ReturnType<typeof setTimeout>;
  onAbort(): void;
}

/** Milliseconds in which an engine may end a run by itself, before it is ended and started again. */
const grace = 250;

/**
 * Runs one after the other over a connection that is opened again when a run was aborted or the engine stopped.
 * Feeds are read before `run` returns.
 */
export class RunQueue {
  readonly #open: () => Promise<Connection>;
  readonly #waiting: Job[] = [];
  #connection: Connection | undefined;
  #opening: Promise<Connection> | undefined;
  #active: Job | undefined;
  #released = false;

  constructor(connection: Connection, open: () => Promise<Connection>) {
    this.#connection = connection;
    this.#open = open;
  }

  /** Throws `session_released` after `release`. */
  refuseReleased(): void {
    if (this.#released) throw new KingletError('session_released', 'this session cannot be used any more');
  }

  /** Results at once from an engine in this thread that nobody else uses. */
  run({ feeds, fetches }: Omit<RunRequest, 'owned'>, signal?: AbortSignal): Wire[] | Promise<Wire[]> {
    this.refuseReleased();
    signal?.throwIfAborted();
    const live = this.#active ? undefined : this.#live();
    if (!live) {
      const copies = feeds.map(([input, value]) => [input, snapshot(value)] as const);
      return this.#queue({ feeds: copies, fetches, owned: true }, signal);
    }
    const request = { feeds, fetches, owned: false };
    const results = live.run(request);
    return results instanceof Promise ? this.#queue(request, signal, results) : results;
  }

  /** `running`: what the request, the only one, gives. */
  #queue(request: RunRequest, signal: AbortSignal | undefined, running?: Promise<Wire[]>): Promise<Wire[]> {
    return new Promise((resolve, reject) => {
      const job: Job = { request, signal, resolve, reject, done: false, onAbort: () => this.#abort(job) };
      signal?.addEventListener('abort', job.onAbort);
      this.#waiting.push(job);
      void this.#pump(running);
    });
  }

  /** The connection, opened again if need be. */
  async connection(): Promise<Connection> {
    this.refuseReleased();
    const live = this.#live();
    if (live) return live;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    const connection = await this.#opening;
    if (this.#released) connection.close();
    this.refuseReleased();
    this.#connection = connection;
    return connection;
  }

  /** Ends the engine; runs that are not finished fail with `session_released`. */
  release(): void {
    this.#released = true;
    this.#connection?.close();
    this.#connection = undefined;
    const error = new KingletError('session_released', 'the session was released before the run ended');
    for (const job of [this.#active, ...this.#waiting.splice(0)]) {
      if (job) this.#settle(job, () => job.reject(error));
    }
  }

  #live(): Connection | undefined {
    return this.#connection?.lost ? undefined : this.#connection;
  }

  async #pump(running?: Promise<Wire[]>): Promise<void> {
    if (this.#active) return;
    const job = this.#waiting.shift();
    if (!job) return;
    this.#active = job;
    try {
      const connection = running ? undefined : (this.#live() ?? (await this.connection()));
      // It may have been aborted while the engine was opened again.
      if (!job.done) {
        const results = await (running ?? connection?.run(job.request));
        this.#settle(job, () => job.resolve(results as Wire[]));
      }
    } catch (error) {
      this.#settle(job, () => job.reject(error));
    }
    clearTimeout(job.grace);
    // An abort may have moved on to the next job.
    if (this.#active === job) {
      this.#active = undefined;
      void this.#pump();
    }
  }

  #abort(job: Job): void {
    if (job.done) return;
    const at = this.#waiting.indexOf(job);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#settle(job, () => job.reject(job.signal?.reason));
    if (at >= 0) return;
    if (this.#live()?.cancel()) job.grace = setTimeout(() => this.#abandon(job), grace);
    else this.#abandon(job);
  }

  /** Goes on without the engine that is busy with `job`. */
  #abandon(job: Job): void {
    if (this.#active !== job) return;
    this.#connection?.close();
    this.#connection = undefined;
    this.#active = undefined;
    void this.#pump();
  }

  #settle(job: Job, how: () => void): void {
    if (job.done) return;
    job.done = true;
    job.signal?.removeEventListener('abort', job.onAbort);
    how();
  }
}
