import { copyOf } from '../dtypes.js';
import { KingletError } from '../errors.js';
import { importsFor, sharedMemoryFor } from '../host/imports.js';
import { decodePicture } from '../host/pictures.js';
import { Abi, type Exports, exportNames, type Handle } from './abi.js';
import { type Feed, giveFeeds, takeResults } from './exchange.js';
import { Heap } from './heap.js';
import { Pictures } from './pictures.js';
import { statePorts } from './state.js';
import type { Description, OpenOptions, Wire } from './types.js';
import { isNumeric, writeValue } from './values.js';

/** Bytes in the engine's memory that arrive piece by piece. */
export interface Destination {
  readonly handle: Handle;
  /** Puts `chunk` at offset `at`, which the caller keeps within the size. */
  write(chunk: Uint8Array, at: number): void;
}

/** Milliseconds of a run that is worth sharing, and of such runs one after the other that are worth a helper's start. */
const worthSharing = 1;
const worthHelpers = 50;

/** What a helper thread needs to take part in an engine's runs (abi/helper.ts). */
export interface HelperSeat {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  /** The upper end of its stack. */
  stack: number;
}

/** Starts a thread that helps; gives what ends it. */
export type StartHelper = (seat: HelperSeat) => () => void;

/** An engine's memory between two calls, with the session in it. */
export interface MemoryImage {
  memory: Uint8Array<ArrayBuffer>;
  session: Handle;
  memoryLimit: number;
}

/** Bytes of an image that are put into place in one go, which takes about as long as a small run. */
const imagePiece = 1 << 20;

/** One instance of the engine with at most one session: its memory goes away with the object. */
export class EngineSession {
  readonly #abi: Abi;
  readonly #pictures: Pictures;
  readonly #trapCause: number;
  readonly #module: WebAssembly.Module;
  readonly #startHelper: StartHelper | undefined;
  #session: Handle = 0;
  #threads = 1;
  #planned = false;
  /** Milliseconds of the last runs that were worth sharing. */
  #long = 0;
  #closed = false;
  #memoryLimit = Number.POSITIVE_INFINITY;
  #helpers: (() => void)[] | undefined;
  /** Why the instance cannot be used any more: it ran into a trap. */
  #dead: KingletError | undefined;

  /** Instantiates the engine. Fails with `load_failed` or `out_of_memory`. Without `startHelper` it has one thread. */
  static async create(module: WebAssembly.Module, startHelper?: StartHelper): Promise<EngineSession> {
    let heap: Heap | undefined;
    const pictures = new Pictures(() => heap as Heap);
    let instance: WebAssembly.Instance;
    try {
      const memory = sharedMemoryFor(module);
      if (memory) heap = new Heap(memory);
      instance = await WebAssembly.instantiate(
        module,
        importsFor(module, () => heap as Heap, pictures),
      );
    } catch (error) {
      if (error instanceof KingletError) throw error;
      if (error instanceof RangeError)
        throw new KingletError('out_of_memory', error.message, { cause: error });
      throw new KingletError('load_failed', `the wasm file cannot be started: ${error}`, { cause: error });
    }
    const exports = instance.exports as unknown as Exports & {
      memory?: WebAssembly.Memory;
      _initialize?(): void;
      __wasm_call_ctors?(): void;
    };
    const missing = exportNames.find((name) => typeof exports[name] !== 'function');
    if (exports.memory instanceof WebAssembly.Memory) heap = new Heap(exports.memory);
    if (missing || !heap) {
      const detail = `the wasm file belongs to another version of Kinglet: it has no ${missing ?? 'memory'}`;
      throw new KingletError('load_failed', detail);
    }
    (exports._initialize ?? exports.__wasm_call_ctors)?.();
    return new EngineSession(new Abi(exports, heap), pictures, module, startHelper);
  }

  /**
   * A second engine with the session of another, on one thread: nothing is opened or planned again. `pause` is awaited
   * between pieces of work. All of an engine's state is in its memory, since the module's globals rest between calls.
   */
  static async fromImage(
    module: WebAssembly.Module,
    { memory, session, memoryLimit }: MemoryImage,
    pause: () => Promise<void>,
  ): Promise<EngineSession> {
    const engine = await EngineSession.create(module);
    engine.heap.growTo(memory.length);
    for (let at = 0; at < memory.length; at += imagePiece) {
      await pause();
      engine.heap.write(at, memory.subarray(at, at + imagePiece));
    }
    engine.#session = session;
    engine.#memoryLimit = memoryLimit;
    engine.#abi.threadsSet(1);
    return engine;
  }

  private constructor(
    abi: Abi,
    pictures: Pictures,
    module: WebAssembly.Module,
    startHelper: StartHelper | undefined,
  ) {
    this.#abi = abi;
    this.#pictures = pictures;
    this.#module = module;
    this.#startHelper = startHelper;
    this.#trapCause = abi.trapCause();
  }

  /** True after a trap: every further call fails, and only a new instance helps. */
  get dead(): boolean {
    return this.#dead !== undefined;
  }

  get heap(): Heap {
    return this.#abi.heap;
  }

  /** Files, weights, activations and values together take at most `bytes` from now on. */
  limitMemory(bytes: number): void {
    this.#memoryLimit = bytes;
    this.#abi.setMemoryLimit(bytes);
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

  /** Milliseconds that the engine took for the last run. */
  milliseconds = 0;

  /** Bytes that the model and its files had. */
  fileBytes = 0;

  /** Opens a model with its files, the model's path being empty. Their bytes become the session's memory. */
  open(files: readonly (readonly [path: string, bytes: Handle])[], options: OpenOptions): Description {
    const abi = this.#abi;
    return this.#guard(() => {
      if (this.heap.shared && this.#startHelper) this.#threads = options.threads;
      abi.threadsSet(this.#threads);
      this.#session = abi.sessionNew();
      for (const [path, bytes] of files) {
        abi.sessionFile(this.#session, path, bytes);
        this.fileBytes += abi.bytesSize(bytes);
        abi.release(bytes);
      }
      for (const [name, extent] of options.dimensions) abi.sessionDimension(this.#session, name, extent);
      abi.sessionOpen(this.#session, Number(options.optimize), Number(options.profile));
      const description = JSON.parse(abi.sessionDescribe(this.#session)) as Description;
      const state = statePorts(options.state, description);
      for (const [input, output] of state) abi.sessionCarry(this.#session, input, output);
      return { ...description, state };
    });
  }

  /** Not during a run. */
  image(): MemoryImage {
    const memory = this.heap.copy(0, this.heap.memory.buffer.byteLength);
    return { memory, session: this.#session, memoryLimit: this.#memoryLimit };
  }

  /**
   * Runs with (place of the input, value) pairs, which are read before this returns; gives the outputs at the places in
   * `fetches`, in their order. A run that wants pictures begins anew each time that the host has decoded one.
   */
  run(
    feeds: readonly (readonly [input: number, value: Wire])[],
    fetches: readonly number[],
  ): Wire[] | Promise<Wire[]> {
    const inputs: Feed[] = [];
    let ended = true;
    let succeeded = false;
    this.#pictures.wanted = undefined;
    try {
      const results = this.#guard(() => {
        for (const [input, value] of feeds)
          inputs.push([input, isNumeric(value) ? value : writeValue(this.#abi, value)]);
        return this.#attempt(inputs, fetches);
      });
      succeeded = true;
      return results;
    } catch (error) {
      if (!this.#pictures.wanted) throw error;
      ended = false;
      return this.#runWithPictures(inputs, fetches, error);
    } finally {
      if (ended) this.#end(inputs, succeeded);
    }
  }

  async #runWithPictures(
    given: readonly Feed[],
    fetches: readonly number[],
    failure: unknown,
  ): Promise<Wire[]> {
    let succeeded = false;
    // The caller's arrays may change from here on.
    const inputs = given.map(
      ([input, value]): Feed => [
        input,
        typeof value === 'number' ? value : { ...value, data: copyOf(value.data) },
      ],
    );
    try {
      for (let error = failure; ; ) {
        await this.#decodeWanted(error);
        try {
          this.#pictures.wanted = undefined;
          const results = this.#guard(() => this.#attempt(inputs, fetches));
          succeeded = true;
          return results;
        } catch (next) {
          error = next;
        }
      }
    } finally {
      this.#end(inputs, succeeded);
    }
  }

  #end(inputs: readonly Feed[], succeeded: boolean): void {
    this.#pictures.settle(succeeded);
    if (this.#dead || this.#closed) return;
    for (const [, value] of inputs) if (typeof value === 'number') this.#abi.release(value);
  }

  #attempt(inputs: readonly Feed[], fetches: readonly number[]): Wire[] {
    const abi = this.#abi;
    const since = performance.now();
    const results = giveFeeds(abi, this.#session, inputs, fetches);
    abi.sessionRun(this.#session, results, fetches.length);
    this.milliseconds = performance.now() - since;
    // The first run also makes the plan, which says little about the next.
    this.#long = this.#planned && this.milliseconds > worthSharing ? this.#long + this.milliseconds : 0;
    if (this.#threads > 1 && !this.#helpers && this.#long > worthHelpers) this.#callHelpers();
    this.#planned = true;
    return takeResults(abi, this.#session, results, fetches);
  }

  /** Decodes the picture that a run failed for the want of; `failure` is thrown when there is none. */
  async #decodeWanted(failure: unknown): Promise<void> {
    const pictures = this.#pictures;
    const { wanted } = pictures;
    if (!wanted || this.#dead || !(failure instanceof KingletError)) throw failure;
    try {
      pictures.refuseMore();
      const room = this.#memoryLimit - this.#abi.liveBytes() - pictures.bytes - wanted.length;
      pictures.add(wanted, await decodePicture(wanted, room));
    } catch (error) {
      if (!(error instanceof KingletError)) throw error;
      const { code, detail, cause } = error;
      // Where in the model, besides why.
      throw new KingletError(code, detail, { cause, context: { ...failure.context, ...error.context } });
    }
    if (this.#closed)
      throw new KingletError('session_released', 'the session was released before the run ended');
  }

  /** Lets helper threads go. Nothing is called afterwards. */
  close(): void {
    this.#closed = true;
    this.#abi.threadsEnd();
    for (const end of this.#helpers ?? []) end();
    this.#helpers = [];
  }

  /** They take part as soon as they have started; a session of small runs never has any. */
  #callHelpers(): void {
    this.#helpers = [];
    for (let i = 1; i < this.#threads; i++) {
      const stack = this.#abi.threadStack();
      if (!stack || !this.#startHelper) return;
      this.#helpers.push(this.#startHelper({ module: this.#module, memory: this.heap.memory, stack }));
    }
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
