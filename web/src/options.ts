// What the caller of InferenceSession.create may say, and how it becomes a request to open a session.
import { env, warn } from './env.js';
import { KingletError } from './errors.js';
import { isNode, threadCount } from './host/features.js';
import type { Source } from './model/source.js';
import type { Tensor } from './tensor.js';
import type { OpenRequest, Progress } from './worker/calls.js';

/** A model or a file: a URL (in Node also a path), bytes, or a Blob such as a File. */
export type ModelSource = string | URL | ArrayBufferLike | Uint8Array | Blob;

/** A file that the model names as the place of some of its weights. */
export interface ExternalDataFile {
  /** As the model spells it. */
  path: string;
  data: ModelSource;
}

/** onnxruntime-common's options, and five of ours: `signal`, `onProgress`, `state`, `worker`, `memoryLimit`. */
export interface SessionOptions {
  /** Names onnxruntime knows are accepted; Kinglet's own engine, on the CPU, stands in for all of them. */
  executionProviders?: readonly (string | { readonly name: string })[];
  /** `disabled` runs the graph as it is. Default `all`. */
  graphOptimizationLevel?: 'disabled' | 'basic' | 'extended' | 'layout' | 'all';
  /** Extents of named dimensions, which lets more be computed ahead. */
  freeDimensionOverrides?: { readonly [dimension: string]: number };
  /** Files beside the model; a string is both the path in the model and the URL. */
  externalData?: readonly (string | ExternalDataFile)[];
  /**
   * Inputs that take the value which an output had in the run before, where they are not fed: it stays in the engine instead of being copied
   * out and in. By input; a `*` in both names stands for the same characters: `{'past_key_values.*': 'present.*'}`. Runs give these
   * outputs only where they are asked for by name. A run that fails leaves them as they were; after an abort that had to end the
   * engine they are gone, and the inputs are fed anew.
   */
  state?: { readonly [input: string]: string };
  /** Records every run from the start; `endProfiling` gives the trace. */
  enableProfiling?: boolean;
  /** Ends the creation: it fails with the signal's reason. */
  signal?: AbortSignal;
  /** Bytes received so far over all files. */
  onProgress?: (progress: Progress) => void;
  /**
   * In a worker of its own, or in this thread. Default: this thread in Node and in workers; in pages a worker, but runs
   * which that has shown to take less than a millisecond happen in the page's own thread, unless there is a memory limit.
   */
  worker?: boolean;
  /** Threads of this session; default: `env.wasm.numThreads`. */
  intraOpNumThreads?: number;
  /**
   * Bytes that the model's file, its weights, activations and values may take together; what needs more fails with
   * `out_of_memory`. Default: what WebAssembly can address, 4 GB.
   */
  memoryLimit?: number;
  /** Accepted without effect: one engine, one way of running, memory planned ahead. */
  interOpNumThreads?: number;
  enableCpuMemArena?: boolean;
  enableMemPattern?: boolean;
  executionMode?: 'sequential' | 'parallel';
  optimizedModelFilePath?: string;
  profileFilePrefix?: string;
  logId?: string;
  logSeverityLevel?: 0 | 1 | 2 | 3 | 4;
  logVerbosityLevel?: number;
  preferredOutputLocation?: Tensor.DataLocation | { readonly [output: string]: Tensor.DataLocation };
  enableGraphCapture?: boolean;
  extra?: Record<string, unknown>;
}

const providers = new Set(
  'coreml cpu cuda dml kinglet nnapi qnn tensorrt wasm webgl webgpu webnn xnnpack'.split(' '),
);
const levels = ['disabled', 'basic', 'extended', 'layout', 'all'];

/** Refuses a list of providers in which there is none that anybody knows, in onnxruntime's words. */
function checkProviders(wanted: SessionOptions['executionProviders'] = []): void {
  const names = wanted.map((entry) => (typeof entry === 'string' ? entry : entry.name));
  const unknown = names.filter((name) => !providers.has(name));
  if (names.length > 0 && unknown.length === names.length) {
    const list = unknown.map((name) => `[${name}] backend not found.`).join(', ');
    throw new KingletError('invalid_argument', `execution providers ${unknown.join(', ')}`, {
      message: `no available backend found. ERR: ${list}`,
    });
  }
  for (const name of names.filter((n) => !['wasm', 'cpu', 'kinglet'].includes(n))) {
    warn(`execution provider "${name}" is not available; the model runs on the CPU`);
  }
}

/** The source for what a user passed; relative URLs are the page's. */
export function sourceOf(data: unknown): Source {
  if (data instanceof URL) return sourceOf(data.href);
  if (typeof data === 'string') {
    if (!isNode())
      return { kind: 'url', url: new URL(data, globalThis.document?.baseURI ?? location.href).href };
    return /^(https?|data|blob):/.test(data) ? { kind: 'url', url: data } : { kind: 'file', path: data };
  }
  if (typeof Blob !== 'undefined' && data instanceof Blob) return { kind: 'blob', blob: data };
  if (ArrayBuffer.isView(data)) {
    return { kind: 'bytes', bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  }
  const isShared = typeof SharedArrayBuffer !== 'undefined' && data instanceof SharedArrayBuffer;
  if (data instanceof ArrayBuffer || isShared) return { kind: 'bytes', bytes: new Uint8Array(data) };
  throw new TypeError("Unexpected argument[0]: must be 'path' or 'buffer'.");
}

function dimensions(overrides: SessionOptions['freeDimensionOverrides'] = {}): [string, number][] {
  return Object.entries(overrides).map(([name, extent]) => {
    if (!Number.isSafeInteger(extent) || extent < 0) {
      throw new KingletError('invalid_argument', `freeDimensionOverrides: ${name} cannot be ${extent}`);
    }
    return [name, extent];
  });
}

function statePairs(state: SessionOptions['state'] = {}): [string, string][] {
  if (typeof state !== 'object' || state === null || Array.isArray(state))
    throw new KingletError('invalid_argument', 'state: give outputs by the names of inputs, {input: output}');
  return Object.entries(state).map(([input, output]) => {
    if (typeof output !== 'string')
      throw new KingletError('invalid_argument', `state: '${input}' is to be the name of an output`);
    return [input, output];
  });
}

// What 32-bit WebAssembly can address.
const addressable = 2 ** 32 - 1;

function memoryLimitFrom(limit: number = addressable): number {
  if (!Number.isSafeInteger(limit) || limit <= 0) {
    throw new KingletError('invalid_argument', `memoryLimit cannot be ${limit}`);
  }
  return Math.min(limit, addressable);
}

/** The request that the options and the model's source make. */
export function requestFor(model: Source, options: SessionOptions): OpenRequest {
  const { graphOptimizationLevel = 'all', externalData = [] } = options;
  checkProviders(options.executionProviders);
  if (!levels.includes(graphOptimizationLevel)) {
    throw new KingletError(
      'invalid_argument',
      `unsupported graph optimization level: ${graphOptimizationLevel}`,
    );
  }
  const state = statePairs(options.state);
  const files = externalData.map((file) => {
    const { path, data } = typeof file === 'string' ? { path: file, data: file } : file;
    return { path: path.replace(/^(\.\/)+/, ''), source: sourceOf(data) };
  });
  return {
    model,
    files,
    options: {
      // Small runs may come to the page; a limit would hold for each engine, and state is in one.
      movable: options.worker === undefined && options.memoryLimit === undefined && state.length === 0,
      optimize: graphOptimizationLevel !== 'disabled',
      profile: options.enableProfiling ?? false,
      dimensions: dimensions(options.freeDimensionOverrides),
      state,
      memoryLimit: memoryLimitFrom(options.memoryLimit),
      threads: threadCount(options.intraOpNumThreads || env.wasm.numThreads || 0),
    },
  };
}
