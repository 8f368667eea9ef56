import { commonVersion, version } from './version.js';

export declare namespace Env {
  type LogLevel = 'verbose' | 'info' | 'warning' | 'error' | 'fatal';

  /** Where the package's files are, when a bundler does not know. */
  interface WasmFilePaths {
    /** The wasm file. */
    wasm?: URL | string;
    /** The script of the worker, `worker.js`. */
    mjs?: URL | string;
  }

  interface WebAssemblyFlags {
    /** Threads of a session, 0 or unset: as many as help. One where the page is not cross-origin isolated. */
    numThreads?: number;
    /** `fixed` (or false) keeps to plain SIMD, whose results are the same on every machine; default: the best there is. */
    simd?: boolean | 'fixed' | 'relaxed';
    trace?: boolean;
    /** Milliseconds until loading the wasm file is given up; 0 or unset: never. */
    initTimeout?: number;
    /** What the file names are put behind, such as `/static/`; or the files. */
    wasmPaths?: string | WasmFilePaths;
    /** The wasm file's bytes; then nothing is fetched. */
    wasmBinary?: ArrayBufferLike | Uint8Array;
    /** Accepted for onnxruntime-web's sake. In a page sessions live in workers; `create(..., {worker})` decides. */
    proxy?: boolean;
  }
}

/** Settings for all sessions; read when a session is created. */
export interface Env {
  /** What is written to the console: this level and worse. Default `warning`. */
  logLevel?: Env.LogLevel;
  debug?: boolean;
  trace?: boolean;
  readonly versions: { readonly common: string; readonly web?: string; readonly kinglet: string };
  readonly wasm: Env.WebAssemblyFlags;
  /** Accepted and unused: Kinglet computes on the CPU. */
  readonly webgl: Record<string, unknown>;
  /** Accepted and unused: Kinglet computes on the CPU. */
  readonly webgpu: Record<string, unknown>;
  [name: string]: unknown;
}

const levels: readonly Env.LogLevel[] = ['verbose', 'info', 'warning', 'error', 'fatal'];
let logLevel: Env.LogLevel = 'warning';

export const env: Env = {
  wasm: {},
  webgl: {},
  webgpu: {},
  versions: { common: commonVersion, web: commonVersion, kinglet: version },
  get logLevel() {
    return logLevel;
  },
  set logLevel(value: Env.LogLevel | undefined) {
    if (value === undefined) return;
    if (!levels.includes(value)) throw new Error(`Unsupported logging level: ${value}`);
    logLevel = value;
  },
};

/** Writes a warning, unless `env.logLevel` says that only errors matter. */
export function warn(message: string): void {
  if (levels.indexOf(logLevel) <= levels.indexOf('warning')) console.warn(`kinglet: ${message}`);
}
