// The messages between a page and the worker that holds a session. One file, so that both sides agree.
import type { HelperSeat, MemoryImage } from '../abi/session.js';
import type { Description, OpenOptions, Wire } from '../abi/types.js';
import type { ErrorRecord } from '../errors.js';
import type { Source } from '../model/source.js';

/** What it takes to open a session. */
export interface OpenRequest {
  model: Source;
  files: { path: string; source: Source }[];
  options: OpenOptions;
}

/** Bytes of a model and its files up to which a page may hold a second engine with them. */
export const smallModel = 8 << 20;

/** Bytes of a model that a page opens in its own thread at once: in less time than a worker takes to start. */
export const tinyModel = 64 << 10;

/**
 * Bytes of a run's feeds up to which their buffers go back to the page and serve its next run: new memory for a picture of 224 by 224
 * pixels takes it longer than the copy.
 */
export const mostSpare = 1 << 20;

/** Larger ones do too where new memory for them would be a good part of a run: so many bytes for each millisecond that the engine took. */
export const spareRate = 1 << 17;

/** What a session can be asked, with the answer. Values named in `transfer` lists move instead of being copied. */
export interface Calls {
  /** The engine's code follows as `module`, so that the model is on its way while the code is compiled. */
  open: { ask: OpenRequest; answer: Opened };
  run: { ask: RunRequest; answer: Ran };
  /** The session as it is, for a second engine. */
  image: { ask: undefined; answer: MemoryImage };
  info: { ask: undefined; answer: EngineInfo };
  startProfiling: { ask: undefined; answer: undefined };
  endProfiling: { ask: undefined; answer: string };
}

export interface Opened {
  description: Description;
  cancelFlag?: { memory: WebAssembly.Memory; index: number };
  /** Runs may happen in the page: the model is small, and its runs end. */
  movable: boolean;
}

export interface RunRequest {
  feeds: (readonly [input: number, value: Wire])[];
  fetches: number[];
  /** The feeds are copies that nobody else has. */
  owned: boolean;
}

export interface Ran {
  results: Wire[];
  /** What the engine took. */
  milliseconds: number;
  /** The buffers that the feeds came in. */
  spent: ArrayBuffer[];
}

export interface EngineInfo {
  text: string;
  heapBytes: number;
  liveBytes: number;
}

/** Bytes over all files of a session; `total` is undefined while a server has not said. */
export interface Progress {
  loaded: number;
  total: number | undefined;
}

export type ToWorker =
  | { [Name in keyof Calls]: { id: number; call: Name; ask: Calls[Name]['ask'] } }[keyof Calls]
  | { module: WebAssembly.Module }
  /** To a worker that is to be no session's but a helper. */
  | { help: HelperSeat };

export type FromWorker =
  | { ready: true }
  | { progress: Progress }
  | { id: number; answer: Calls[keyof Calls]['answer'] }
  /** `lost`: the engine cannot be used any more. */
  | { id: number; error: ErrorRecord; lost: boolean };
