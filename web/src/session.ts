import type { Port } from './abi/types.js';
import { KingletError } from './errors.js';
import type { Source } from './model/source.js';
import {
  type ExternalDataFile,
  type ModelSource,
  requestFor,
  type SessionOptions,
  sourceOf,
} from './options.js';
import { RunQueue } from './queue.js';
import { Tensor } from './tensor.js';
import type { Progress } from './worker/calls.js';
import { connect } from './worker/connect.js';
import type { Connection } from './worker/connection.js';
import { fill, fromWire, type OnnxValue, toWire } from './worker/values.js';

export declare namespace InferenceSession {
  type OnnxValueMapType = { readonly [name: string]: OnnxValue };
  type NullableOnnxValueMapType = { readonly [name: string]: OnnxValue | null };
  /** A value for every input. */
  type FeedsType = OnnxValueMapType;
  /** The outputs wanted: their names, or an object whose tensors are filled (null: made anew). */
  type FetchesType = readonly string[] | { readonly [name: string]: Tensor | null };
  /** Outputs by name. Models that give sequences or maps: name the types, `run<{label: Tensor; probabilities: ...}>()`. */
  type ReturnType = { readonly [name: string]: Tensor };
  type ValueMetadata =
    | { readonly name: string; readonly isTensor: false }
    | {
        readonly name: string;
        readonly isTensor: true;
        readonly type: Tensor.Type;
        /** A string is a dimension's name, '' one without. */
        readonly shape: readonly (number | string)[];
      };
  type ExecutionProviderConfig = string | { readonly name: string };
  type DownloadProgress = Progress;
  type ExternalData = ExternalDataFile;
  interface RunOptions {
    /** Ends the run, which then fails with the signal's reason. The session stays usable. */
    signal?: AbortSignal;
    /** Accepted without effect. */
    logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
    logVerbosityLevel?: number;
    terminate?: boolean;
    tag?: string;
    extra?: Record<string, unknown>;
  }
  /** What a session is made of and takes. */
  interface Info {
    /** The graph after the passes, and the plans. */
    text: string;
    /** The build of the engine. */
    variant: string;
    /** Bytes of the engine's memory, which never shrinks before `release`. */
    heapBytes: number;
    /** Bytes in use for weights, activations and values. */
    liveBytes: number;
  }
  /** An event of Chrome's trace format; times in microseconds. */
  interface TraceEvent {
    name: string;
    cat: string;
    ph: string;
    ts: number;
    dur?: number;
    pid: number;
    tid: number;
    args?: Record<string, unknown>;
  }
  type SessionOptions = import('./options.js').SessionOptions;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function optionsFrom(value: unknown): SessionOptions {
  if (value === undefined) return {};
  if (!isObject(value)) throw new TypeError("'options' must be an object.");
  return value;
}

/** The overloads of `create`, checked as onnxruntime-common checks them. */
function parseCreate(arg0: unknown, arg1: unknown, arg2: unknown, arg3: unknown): [Source, SessionOptions] {
  const isBuffer = isObject(arg0) && !ArrayBuffer.isView(arg0) && 'byteLength' in arg0;
  if (!isBuffer || typeof arg1 !== 'number') return [sourceOf(arg0), optionsFrom(arg1)];
  const { byteLength: size } = arg0 as ArrayBufferLike;
  if (!Number.isSafeInteger(arg1)) throw new RangeError("'byteOffset' must be an integer.");
  if (arg1 < 0 || arg1 >= size) throw new RangeError(`'byteOffset' is out of range [0, ${size}).`);
  let length = size - arg1;
  if (typeof arg2 === 'number') {
    if (!Number.isSafeInteger(arg2)) throw new RangeError("'byteLength' must be an integer.");
    if (arg2 <= 0 || arg2 > length) throw new RangeError(`'byteLength' is out of range (0, ${length}].`);
    length = arg2;
  } else if (arg2 !== undefined) {
    throw new TypeError("'byteLength' must be a number.");
  }
  return [sourceOf(new Uint8Array(arg0 as ArrayBuffer, arg1, length)), optionsFrom(arg3)];
}

function metadata({ name, type }: Port): InferenceSession.ValueMetadata {
  if (type.kind !== 'tensor') return { name, isTensor: false };
  return { name, isTensor: true, type: type.dtype, shape: type.shape ?? [] };
}

// onnxruntime's numbers for what went wrong in a run.
const ortCodes: Record<string, number> = {
  invalid_input: 2,
  invalid_shape: 2,
  missing_input: 2,
  invalid_argument: 2,
  index_out_of_range: 2,
  out_of_memory: 6,
  invalid_model: 7,
  unsupported_operator: 9,
  unsupported_type: 9,
  unsupported_feature: 9,
  invalid_graph: 10,
};

/** The engine's failure with the words that code written for onnxruntime looks for. */
function runFailure(error: unknown): unknown {
  if (!(error instanceof KingletError) || error.code === 'session_released') return error;
  const { code, detail, context, message, cause } = error;
  const prefix = `failed to call OrtRun(). ERROR_CODE: ${ortCodes[code] ?? 1}, ERROR_MESSAGE: `;
  return new KingletError(code, detail, { message: prefix + message, context, cause });
}

/** The outputs that a run is to give. */
interface Fetches {
  readonly names: readonly string[];
  /** Their places among the session's outputs. */
  readonly outputs: number[];
  /** What is filled, by name; null: made anew. */
  readonly targets: { readonly [name: string]: Tensor | null };
}

// A session that nobody holds any more gives its worker back.
const forgotten = new FinalizationRegistry<RunQueue>((queue) => queue.release());

/** A model ready to run. */
export class InferenceSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly inputMetadata: readonly InferenceSession.ValueMetadata[];
  readonly outputMetadata: readonly InferenceSession.ValueMetadata[];
  readonly #inputs: readonly Port[];
  readonly #queue: RunQueue;
  /** Inputs that need not be fed. */
  readonly #carried: ReadonlySet<number>;
  /** What a run gives that says nothing of it. */
  readonly #all: Fetches;

  /**
   * Opens an ONNX model. The caller's bytes are read, never changed or detached; a session made from bytes keeps a
   * reference to them until it is released, to open the model again after an abort.
   * Fails with a KingletError, a TypeError for wrong arguments, or the signal's reason.
   */
  static create(source: ModelSource, options?: SessionOptions): Promise<InferenceSession>;
  static create(
    buffer: ArrayBufferLike,
    byteOffset: number,
    byteLength?: number,
    options?: SessionOptions,
  ): Promise<InferenceSession>;
  static async create(
    arg0: unknown,
    arg1?: unknown,
    arg2?: unknown,
    arg3?: unknown,
  ): Promise<InferenceSession> {
    const [source, options] = parseCreate(arg0, arg1, arg2, arg3);
    const { signal, onProgress: report, worker } = options;
    signal?.throwIfAborted();
    const request = requestFor(source, options);
    const connection = await connect(request, worker, { signal, report });
    return new InferenceSession(connection, () => connect(request, worker, {}));
  }

  private constructor(connection: Connection, reopen: () => Promise<Connection>) {
    const { inputs, outputs, state } = connection.description;
    this.#inputs = inputs;
    this.inputNames = inputs.map(({ name }) => name);
    this.outputNames = outputs.map(({ name }) => name);
    this.inputMetadata = inputs.map(metadata);
    this.outputMetadata = outputs.map(metadata);
    this.#carried = new Set(state.map(([input]) => input));
    const kept = new Set(state.map(([, output]) => this.outputNames[output]));
    this.#all = this.#fetches(
      new Map(this.outputNames.filter((name) => !kept.has(name)).map((name) => [name, null])),
    );
    this.#queue = new RunQueue(connection, reopen);
    forgotten.register(this, this.#queue, this);
  }

  /**
   * Computes outputs. Feeds are copied before the call returns and stay the caller's; runs of one session follow one
   * another. Fails with `missing_input`, `invalid_input`, `invalid_shape`, ... or the reason of `options.signal`.
   */
  run<R = InferenceSession.ReturnType>(
    feeds: InferenceSession.FeedsType,
    options?: InferenceSession.RunOptions,
  ): Promise<R>;
  run<R = InferenceSession.ReturnType>(
    feeds: InferenceSession.FeedsType,
    fetches: InferenceSession.FetchesType,
    options?: InferenceSession.RunOptions,
  ): Promise<R>;
  async run(feeds: unknown, arg1?: unknown, arg2?: unknown): Promise<unknown> {
    const { fetches, options } = this.#parseRun(feeds, arg1, arg2);
    this.#queue.refuseReleased();
    const values = this.#feeds(feeds as InferenceSession.FeedsType);
    let results: Awaited<ReturnType<RunQueue['run']>>;
    try {
      const running = this.#queue.run({ feeds: values, fetches: fetches.outputs }, options.signal);
      results = running instanceof Promise ? await running : running;
    } catch (error) {
      throw runFailure(error);
    }
    // The names are there already, whatever they are: '__proto__' is one like others.
    const given: Record<string, OnnxValue> = { ...fetches.targets };
    fetches.names.forEach((name, i) => {
      const target = given[name] as Tensor | null;
      const result = results[i] ?? null;
      if (target) fill(target, result, name);
      else given[name] = fromWire(result);
    });
    return given;
  }

  /** Ends the session and gives its memory back. Runs that are not finished fail with `session_released`. */
  async release(): Promise<void> {
    forgotten.unregister(this);
    this.#queue.release();
  }

  /** Records every operator of the runs that follow. */
  async startProfiling(): Promise<void> {
    await (await this.#queue.connection()).startProfiling();
  }

  /** Ends the recording; gives what was recorded. */
  async endProfiling(): Promise<InferenceSession.TraceEvent[]> {
    const text = await (await this.#queue.connection()).endProfiling();
    return (JSON.parse(text) as { traceEvents: InferenceSession.TraceEvent[] }).traceEvents;
  }

  /** What the model became and what it takes. */
  async info(): Promise<InferenceSession.Info> {
    const connection = await this.#queue.connection();
    return { ...(await connection.info()), variant: connection.variant };
  }

  #feeds(feeds: InferenceSession.FeedsType) {
    for (const name of Object.keys(feeds)) {
      if (!this.inputNames.includes(name)) {
        const context = { input: name, expected: this.inputNames.join(', ') };
        throw new KingletError('invalid_input', `the model has no input '${name}'`, {
          message: `invalid input '${name}'`,
          context,
        });
      }
    }
    return this.#inputs.flatMap(({ name, type }, i) => {
      const value = feeds[name] ?? null;
      if (value === null && this.#carried.has(i)) return [];
      if (value === null && type.kind !== 'optional') {
        throw new KingletError('missing_input', `input '${name}' was not given`, {
          message: `input '${name}' is missing in 'feeds'.`,
          context: { input: name },
        });
      }
      return [[i, toWire(value, type, name)] as const];
    });
  }

  #fetches(wanted: ReadonlyMap<string, Tensor | null>): Fetches {
    const names = [...wanted.keys()];
    const outputs = names.map((name) => this.outputNames.indexOf(name));
    return { names, outputs, targets: Object.fromEntries(wanted) };
  }

  /** The overloads of `run`, told apart and checked as onnxruntime-common does. */
  #parseRun(feeds: unknown, arg1: unknown, arg2: unknown) {
    if (!isObject(feeds) || feeds instanceof Tensor || Array.isArray(feeds)) {
      throw new TypeError(
        "'feeds' must be an object that use input names as keys and OnnxValue as corresponding values.",
      );
    }
    const fetches = new Map<string, Tensor | null>();
    let options: unknown = arg2;
    if (arg1 === null) throw new TypeError('Unexpected argument[1]: cannot be null.');
    if (arg1 instanceof Tensor) throw new TypeError("'fetches' cannot be a Tensor");
    if (Array.isArray(arg1)) {
      if (arg1.length === 0) throw new TypeError("'fetches' cannot be an empty array.");
      for (const name of arg1) {
        if (typeof name !== 'string') throw new TypeError("'fetches' must be a string array or an object.");
        if (!this.outputNames.includes(name)) {
          throw new RangeError(`'fetches' contains invalid output name: ${name}.`);
        }
        fetches.set(name, null);
      }
    } else if (isObject(arg1)) {
      // Fetches, if it names an output and has a tensor or null for it; otherwise options.
      for (const name of this.outputNames) {
        const value = (arg1 as Record<string, unknown>)[name];
        if (Object.hasOwn(arg1, name) && (value === null || value instanceof Tensor))
          fetches.set(name, value);
      }
      if (fetches.size === 0) options = arg1;
    } else if (arg1 !== undefined) {
      throw new TypeError("Unexpected argument[1]: must be 'fetches' or 'options'.");
    }
    if (options !== undefined && !isObject(options)) throw new TypeError("'options' must be an object.");
    const wanted = fetches.size === 0 ? this.#all : this.#fetches(fetches);
    return { fetches: wanted, options: (options ?? {}) as InferenceSession.RunOptions };
  }
}
