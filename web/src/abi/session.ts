import { KingletError } from '../errors.js';
import { importsFor } from '../host/imports.js';
import { Abi, type Exports, exportNames, type Handle } from './abi.js';
import { Heap } from './heap.js';
import type { Description, OpenOptions, Wire } from './types.js';
import { readValue, writeValue } from './values.js';

/** Bytes in the engine's memory that arrive piece by piece. */
export interface Destination {
  readonly handle: Handle;
  /** Puts `chunk` at offset `at`, which the caller keeps within the size. */
  write(chunk: Uint8Array, at: number): void;
}

/** One instance of the engine with at most one session: its memory goes away with the object. */
export class EngineSession {
  readonly #abi: Abi;
  readonly #trapCause: number;
  #session: Handle = 0;
  /** Why the instance cannot be used any more: it ran into a trap. */
  #dead: KingletError | undefined;

  /** Instantiates the engine. Fails with `load_failed` or `out_of_memory`. */
  static async create(module: WebAssembly.Module): Promise<EngineSession> {
    let heap: Heap | undefined;
    const imports = importsFor(module, () => heap as Heap);
    let instance: WebAssembly.Instance;
    try {
      instance = await WebAssembly.instantiate(module, imports);
    } catch (error) {
      if (error instanceof RangeError)
        throw new KingletError('out_of_memory', error.message, { cause: error });
      throw new KingletError('load_failed', `the wasm file cannot be started: ${error}`, { cause: error });
    }
    const exports = instance.exports as unknown as Exports & {
      memory: WebAssembly.Memory;
      _initialize?(): void;
    };
    const missing = exportNames.find((name) => typeof exports[name] !== 'function');
    if (missing || !(exports.memory instanceof WebAssembly.Memory)) {
      const detail = `the wasm file belongs to another version of Kinglet: it has no ${missing ?? 'memory'}`;
      throw new KingletError('load_failed', detail);
    }
    heap = new Heap(exports.memory);
    exports._initialize?.();
    return new EngineSession(new Abi(exports, heap));
  }

  private constructor(abi: Abi) {
    this.#abi = abi;
    this.#trapCause = abi.trapCause();
  }

  /** True after a trap: every further call fails, and only a new instance helps. */
  get dead(): boolean {
    return this.#dead !== undefined;
  }

  get heap(): Heap {
    return this.#abi.heap;
  }

  /** Room for a file of `bytes` bytes. */
  allocate(bytes: number): Destination {
    const abi = this.#abi;
    return this.#guard(() => {
      const handle = abi.bytesNew(bytes);
      const at = abi.bytesData(handle);
      return { handle, write: (chunk, offset) => abi.heap.write(at + offset, chunk) };
    });
  }

  /** Opens the model, whose bytes and files it takes over. */
  open(
    model: Handle,
    files: readonly (readonly [path: string, bytes: Handle])[],
    options: OpenOptions,
  ): Description {
    const abi = this.#abi;
    return this.#guard(() => {
      this.#session = abi.sessionNew();
      for (const [path, bytes] of files) abi.sessionFile(this.#session, path, bytes);
      for (const [name, extent] of options.dimensions) abi.sessionDimension(this.#session, name, extent);
      abi.sessionOpen(this.#session, model, Number(options.optimize), Number(options.profile));
      for (const handle of [model, ...files.map(([, bytes]) => bytes)]) abi.release(handle);
      return JSON.parse(abi.sessionDescribe(this.#session)) as Description;
    });
  }

  /** Runs with (place of the input, value) pairs; gives the outputs at the places in `fetches`, in their order. */
  run(feeds: readonly (readonly [input: number, value: Wire])[], fetches: readonly number[]): Wire[] {
    const abi = this.#abi;
    return this.#guard(() => {
      for (const [input, value] of feeds) {
        const handle = writeValue(abi, value);
        try {
          abi.sessionFeed(this.#session, input, handle);
        } finally {
          abi.release(handle);
        }
      }
      for (const output of fetches) abi.sessionFetch(this.#session, output);
      abi.sessionRun(this.#session);
      return fetches.map((_, i) => {
        const handle = abi.sessionResult(this.#session, i);
        try {
          return readValue(abi, handle);
        } finally {
          abi.release(handle);
        }
      });
    });
  }

  /** Where another thread writes 1 to end a run; undefined without shared memory. */
  cancelFlag(): { memory: WebAssembly.Memory; index: number } | undefined {
    if (!this.heap.shared) return undefined;
    return { memory: this.heap.memory, index: this.#abi.sessionCancelFlag(this.#session) >> 2 };
  }

  info(): { text: string; heapBytes: number; liveBytes: number } {
    return this.#guard(() => ({
      text: this.#abi.sessionInfo(this.#session),
      heapBytes: this.heap.memory.buffer.byteLength,
      liveBytes: this.#abi.liveBytes(),
    }));
  }

  startProfiling(): void {
    this.#guard(() => this.#abi.sessionSetProfiling(this.#session, 1));
  }

  /** Ends recording; Chrome's trace format as JSON. */
  endProfiling(): string {
    return this.#guard(() => {
      const events = this.#abi.sessionProfile(this.#session);
      this.#abi.sessionSetProfiling(this.#session, 0);
      return events;
    });
  }

  /** Objects alive in the engine; for tests that nothing is left behind. */
  liveObjects(): number {
    return this.#abi.liveObjects();
  }

  /** A trap leaves the engine's memory in an unknown state: nothing is called afterwards. */
  #guard<T>(action: () => T): T {
    if (this.#dead) throw this.#dead;
    try {
      return action();
    } catch (error) {
      // A RangeError is the stack running over.
      if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
      this.#dead = this.#trapped(error);
      throw this.#dead;
    }
  }

  #trapped(error: Error): KingletError {
    if (this.heap.int32(this.#trapCause) === 1) {
      return new KingletError('out_of_memory', 'the engine could not get the memory it needed', {
        cause: error,
      });
    }
    return new KingletError('internal', `the engine stopped: ${error.message}`, { cause: error });
  }
}
