// Where a run happens: in the session's worker, or in the page's own thread when that costs the page less.

import type { Wire } from '../abi/types.js';
import { copyOf } from '../dtypes.js';
import { KingletError } from '../errors.js';
import type { EngineInfo, RunRequest } from './calls.js';
import type { Connection } from './connection.js';
import { snapshot } from './wire.js';

/** Milliseconds of the engine's work below which a run costs a page less than the way to a worker and back. */
const small = 1;
/** Runs of a kind that must have been small, one after the other, before the page takes over. */
const proofs = 3;
/**
 * Milliseconds of a long run in the page. Each weighs `weight`, all others take one off; above `patience` their kind goes back to the
 * worker for good: three close to one another, but not strays of a busy machine.
 */
const long = 4;
const weight = 16;
const patience = 40;
/** Milliseconds of a run that a user notices. */
const noticed = 50;
/** Kinds that are remembered. */
const capacity = 64;
/** Integers of an input that may decide what a run does, and so are part of its kind. */
const steering = 8;
/** Elements that a tiny model is fed, and their product with its bytes, up to which a run needs no proof. */
const fewElements = 2 ** 14;
const littleWork = 2 ** 27;

/** What runs that take equally long have in common, and how long those of its kind took. */
interface Kind {
  readonly fetches: readonly number[];
  readonly feeds: readonly {
    readonly input: number;
    readonly type: string;
    readonly dims: readonly number[];
    /** Of few integers. */
    readonly values: ArrayLike<unknown> | undefined;
  }[];
  /** Small runs in the worker, one after the other. */
  small: number;
  /** Taken for small before any run. */
  trusted: boolean;
  /** Runs in the page. */
  here: number;
  /** The weight of long runs in the page. */
  long: number;
}

function same(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function isOfKind({ feeds, fetches }: RunRequest, kind: Kind): boolean {
  return (
    same(fetches, kind.fetches) &&
    feeds.every(([input, value], i) => {
      const like = kind.feeds[i];
      return (
        value?.kind === 'tensor' &&
        input === like?.input &&
        value.type === like.type &&
        same(value.dims, like.dims) &&
        (!like.values || same(value.data, like.values))
      );
    })
  );
}

const areTensors = ({ feeds }: RunRequest) => feeds.every(([, value]) => value?.kind === 'tensor');

const elements = ({ feeds }: RunRequest) =>
  feeds.reduce((sum, [, value]) => sum + (value?.kind === 'tensor' ? value.data.length : 0), 0);

/**
 * A session of a page with engines in a worker (far) and in the page (near). For most, the far one comes first, and the near one is a copy
 * for kinds of runs that have shown to be small; a tiny model's is near, and has a far one opened for runs that are not for the page.
 */
export class Placement implements Connection {
  readonly description;
  readonly variant;
  #far: Connection | undefined;
  readonly #openFar: (() => Promise<Connection>) | undefined;
  #reaching: Promise<Connection> | undefined;
  #near: Connection | undefined;
  /** Bytes of a tiny model while its first engine, which has little memory, is the near one. */
  #tiny: number | undefined;
  /** The newest first. */
  readonly #kinds: Kind[] = [];
  #copied = false;
  #running = false;
  #profiling = false;
  #closed = false;

  private constructor(
    far: Connection | undefined,
    near: Connection | undefined,
    openFar: (() => Promise<Connection>) | undefined,
  ) {
    const { description, variant } = (far ?? near) as Connection;
    this.description = description;
    this.variant = variant;
    this.#far = far;
    this.#near = near;
    this.#openFar = openFar;
  }

  static startingFar(far: Connection): Placement {
    return new Placement(far, undefined, undefined);
  }

  /** `near` has a model of `bytes` bytes and fails with `out_of_memory` where a far one need not. */
  static startingNear(near: Connection, bytes: number, openFar: () => Promise<Connection>): Placement {
    const placement = new Placement(undefined, near, openFar);
    placement.#tiny = bytes;
    return placement;
  }

  get lost() {
    return this.#far?.lost ?? false;
  }
  get milliseconds() {
    return this.#far?.milliseconds ?? 0;
  }

  run(request: RunRequest): Wire[] | Promise<Wire[]> {
    if (this.#profiling || !areTensors(request)) return this.#runFar(request);
    const kind = this.#kinds.find((known) => isOfKind(request, known)) ?? this.#remember(request);
    const near = this.#near;
    if (near && kind.small >= proofs && kind.long <= patience) return this.#runNear(near, kind, request);
    return this.#runForProof(kind, request);
  }

  async info() {
    const engines = [this.#far, this.#near].filter((engine) => engine !== undefined);
    const [info, other] = await Promise.all(engines.map((engine) => engine.info()));
    const { text, heapBytes, liveBytes } = info as EngineInfo;
    if (!other) return { text, heapBytes, liveBytes };
    return { text, heapBytes: heapBytes + other.heapBytes, liveBytes: liveBytes + other.liveBytes };
  }

  async startProfiling() {
    await (await this.#reach()).startProfiling();
    this.#profiling = true;
  }

  async endProfiling() {
    this.#profiling = false;
    return (await this.#reach()).endProfiling();
  }

  /** A run in the page has ended before anybody can ask. */
  cancel(): boolean {
    return this.#running || (this.#far?.cancel() ?? false);
  }

  close(): void {
    this.#closed = true;
    this.#near?.close();
    this.#far?.close();
  }

  #remember(request: RunRequest): Kind {
    const fed = elements(request);
    const trusted = this.#tiny !== undefined && fed <= fewElements && fed * this.#tiny <= littleWork;
    const feeds = request.feeds.map(([input, value]) => {
      const { type, dims, data } = value as Extract<Wire, { kind: 'tensor' }>;
      const steers = !type.startsWith('float') && type !== 'string' && data.length <= steering;
      return { input, type, dims: [...dims], values: steers ? copyOf(data) : undefined };
    });
    const small = trusted ? proofs : 0;
    const kind = { fetches: [...request.fetches], feeds, small, trusted, here: 0, long: 0 };
    if (this.#kinds.unshift(kind) > capacity) this.#kinds.pop();
    return kind;
  }

  /** The far engine, opened if need be. */
  async #reach(): Promise<Connection> {
    if (this.#far) return this.#far;
    this.#reaching ??= (this.#openFar as () => Promise<Connection>)().finally(() => {
      this.#reaching = undefined;
    });
    const far = await this.#reaching;
    if (this.#closed) {
      far.close();
      throw new KingletError('session_released', 'the session was released before the run ended');
    }
    this.#far = far;
    return far;
  }

  async #runFar(request: RunRequest): Promise<Wire[]> {
    if (this.#far) return this.#far.run(request);
    const feeds = request.owned
      ? request.feeds
      : request.feeds.map(([input, value]) => [input, snapshot(value)] as const);
    return (await this.#reach()).run({ ...request, feeds, owned: true });
  }

  async #runForProof(kind: Kind, request: RunRequest): Promise<Wire[]> {
    const results = await this.#runFar(request);
    kind.small = this.milliseconds < small ? kind.small + 1 : 0;
    if (kind.small >= proofs && kind.long <= patience && !this.#near) void this.#copyHere();
    return results;
  }

  #runNear(near: Connection, kind: Kind, request: RunRequest): Wire[] | Promise<Wire[]> {
    let results: Wire[] | Promise<Wire[]>;
    try {
      results = near.run(request);
    } catch (error) {
      const full = error instanceof KingletError && error.code === 'out_of_memory';
      if (full && this.#tiny !== undefined) return this.#leave(near, kind, request);
      if (near.lost) this.#near = undefined;
      throw error;
    }
    if (!(results instanceof Promise)) {
      this.#weigh(kind, near.milliseconds);
      return results;
    }
    // Pictures are decoded first, which may want much memory.
    if (this.#tiny === undefined) return this.#awaitNear(near, kind, results);
    results.catch(() => undefined);
    return this.#leave(near, kind, request);
  }

  async #awaitNear(near: Connection, kind: Kind, results: Promise<Wire[]>): Promise<Wire[]> {
    this.#running = true;
    try {
      return await results;
    } finally {
      this.#running = false;
      this.#weigh(kind, near.milliseconds);
      if (near.lost) this.#near = undefined;
    }
  }

  /** Runs in the far engine; from now on, the near one can only be a copy of it. */
  #leave(near: Connection, kind: Kind, request: RunRequest): Promise<Wire[]> {
    this.#near = undefined;
    this.#tiny = undefined;
    if (!near.lost) near.close();
    distrust(kind);
    return this.#runForProof(kind, request);
  }

  #weigh(kind: Kind, milliseconds: number): void {
    // The first run also makes the plan.
    if (kind.here++ > 0) kind.long = milliseconds > long ? kind.long + weight : Math.max(0, kind.long - 1);
    if (kind.trusted && (milliseconds > noticed || kind.long > patience)) distrust(kind);
  }

  /** Without an engine in the page, all runs go on in the worker. */
  async #copyHere(): Promise<void> {
    const copy = this.#far?.copy;
    if (!copy || this.#copied) return;
    this.#copied = true;
    const near = await copy().catch(() => undefined);
    if (this.#closed) near?.close();
    else this.#near = near;
  }
}

/** Has the kind prove itself in the worker. */
function distrust(kind: Kind): void {
  kind.trusted = false;
  kind.small = 0;
  kind.long = 0;
}
