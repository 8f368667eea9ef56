// Where a run happens: in the session's worker, or in the page's own thread when that costs the page less.
import type { Wire } from '../abi/types.js';
import type { RunRequest } from './calls.js';
import type { Connection } from './connection.js';

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
/** Kinds that are remembered. */
const capacity = 64;
/** Integers of an input that may decide what a run does, and so are part of its kind. */
const steering = 8;

interface Kind {
  /** Small runs in the worker, one after the other. */
  small: number;
  /** Runs in the page. */
  here: number;
  /** The weight of long runs in the page. */
  long: number;
}

/** What runs that take equally long have in common; undefined for feeds that are no tensors. */
function kindOf({ feeds, fetches }: RunRequest): string | undefined {
  let kind = fetches.join();
  for (const [input, value] of feeds) {
    if (value?.kind !== 'tensor') return undefined;
    const { type, dims, data } = value;
    kind += `;${input}${type}${dims.join()}`;
    const whole = !type.startsWith('float') && type !== 'string';
    if (whole && data.length <= steering) kind += `=${data.join()}`;
  }
  return kind;
}

/**
 * A session in a worker which has a second engine in the page for kinds of runs that the worker has shown to be small.
 * `open` opens that engine; it is called once, when the first kind is known.
 */
export class Placement implements Connection {
  readonly #far: Connection;
  readonly #open: () => Promise<Connection>;
  readonly #kinds = new Map<string, Kind>();
  #near: Connection | undefined;
  #opening = false;
  #running = false;
  #profiling: boolean;
  #closed = false;

  constructor(far: Connection, open: () => Promise<Connection>, profiling: boolean) {
    this.#far = far;
    this.#open = open;
    this.#profiling = profiling;
  }

  get description() {
    return this.#far.description;
  }
  get variant() {
    return this.#far.variant;
  }
  get lost() {
    return this.#far.lost;
  }
  get milliseconds() {
    return this.#far.milliseconds;
  }

  run(request: RunRequest): Promise<Wire[]> {
    const name = this.#profiling ? undefined : kindOf(request);
    if (name === undefined) return this.#far.run(request);
    const kind = this.#kinds.get(name) ?? this.#remember(name);
    const near = this.#near;
    if (near && kind.small >= proofs && kind.long <= patience) return this.#runHere(near, kind, request);
    return this.#runThere(kind, request);
  }

  async info() {
    const info = await this.#far.info();
    const near = await this.#near?.info();
    if (!near) return info;
    return {
      ...info,
      heapBytes: info.heapBytes + near.heapBytes,
      liveBytes: info.liveBytes + near.liveBytes,
    };
  }

  async startProfiling() {
    await this.#far.startProfiling();
    this.#profiling = true;
  }

  endProfiling() {
    this.#profiling = false;
    return this.#far.endProfiling();
  }

  /** A run in the page has ended before anybody can ask. */
  cancel(): boolean {
    return this.#running || this.#far.cancel();
  }

  close(): void {
    this.#closed = true;
    this.#near?.close();
    this.#far.close();
  }

  #remember(name: string): Kind {
    const kind = { small: 0, here: 0, long: 0 };
    if (this.#kinds.size >= capacity) this.#kinds.delete(this.#kinds.keys().next().value as string);
    this.#kinds.set(name, kind);
    return kind;
  }

  async #runThere(kind: Kind, request: RunRequest): Promise<Wire[]> {
    const results = await this.#far.run(request);
    kind.small = this.#far.milliseconds < small ? kind.small + 1 : 0;
    if (kind.small >= proofs && kind.long <= patience && !this.#opening) void this.#openHere();
    return results;
  }

  async #runHere(near: Connection, kind: Kind, request: RunRequest): Promise<Wire[]> {
    this.#running = true;
    try {
      return await near.run(request);
    } finally {
      this.#running = false;
      // The first run also makes the plan.
      if (kind.here++ > 0)
        kind.long = near.milliseconds > long ? kind.long + weight : Math.max(0, kind.long - 1);
      if (near.lost) this.#near = undefined;
    }
  }

  /** Without an engine in the page, all runs go on in the worker. */
  async #openHere(): Promise<void> {
    this.#opening = true;
    const near = await this.#open().catch(() => undefined);
    if (this.#closed) near?.close();
    else this.#near = near;
  }
}
