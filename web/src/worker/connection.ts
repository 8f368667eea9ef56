import { EngineSession, type MemoryImage } from '../abi/session.js';
import type { Description, Wire } from '../abi/types.js';
import { isNode } from '../host/features.js';
import { type Engine, loadEngine } from '../host/load.js';
import type { EngineInfo, OpenRequest, Progress, RunRequest } from './calls.js';
import { startHelper } from './helpers.js';
import { openSession } from './open.js';

/** One open session in one instance of the engine. Calls are made one at a time. */
export interface Connection {
  readonly description: Description;
  readonly variant: string;
  /** True once the engine has stopped; a new connection is needed. */
  readonly lost: boolean;
  /** Milliseconds that the engine took for the last run that ended. */
  readonly milliseconds: number;
  /** Has read or copied the feeds when it returns, or run already. */
  run(request: RunRequest): Wire[] | Promise<Wire[]>;
  info(): Promise<EngineInfo>;
  startProfiling(): Promise<void>;
  endProfiling(): Promise<string>;
  /** Asks the current run to end. False when only `close` can do that. */
  cancel(): boolean;
  /** Ends the engine and gives its memory back. */
  close(): void;
  /** A second engine with the session, in this thread. Absent where it must not be. */
  copy?(): Promise<Connection>;
}

export interface ConnectOptions {
  report?: ((progress: Progress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** Opens a session in this thread, in an instance of `code` where that is on its way already. */
export async function openHere(
  request: OpenRequest,
  { report, signal }: ConnectOptions,
  code?: Promise<Engine>,
): Promise<Connection> {
  // A page's own thread must not wait for others, which runs on several threads do.
  const mayWait = isNode() || typeof document === 'undefined';
  const engineCode = code ?? loadEngine(mayWait ? request.options.threads : 1);
  engineCode.catch(() => undefined);
  const opening = openSession(
    engineCode.then(({ module }) => module),
    request,
    { report, signal, startHelper: mayWait ? startHelper : undefined },
  );
  const { engine, description } = await opening;
  const { variant } = await engineCode;
  return connectionTo(engine, description, variant);
}

/** Opens a copy of another thread's session in this thread, without keeping it busy for long at a time. */
export async function openImage(
  image: MemoryImage,
  description: Description,
  { module, variant }: Engine,
): Promise<Connection> {
  const pause = () => new Promise<void>((resolve) => setTimeout(resolve));
  return connectionTo(await EngineSession.fromImage(module, image, pause), description, variant);
}

function connectionTo(engine: EngineSession, description: Description, variant: string): Connection {
  return {
    description,
    variant,
    get lost() {
      return engine.dead;
    },
    get milliseconds() {
      return engine.milliseconds;
    },
    run: ({ feeds, fetches }) => engine.run(feeds, fetches),
    info: async () => engine.info(),
    startProfiling: async () => engine.startProfiling(),
    endProfiling: async () => engine.endProfiling(),
    cancel: () => false,
    close: () => engine.close(),
  };
}
