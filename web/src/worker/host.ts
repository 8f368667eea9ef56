import { help } from '../abi/helper.js';
import type { EngineSession } from '../abi/session.js';
import { toRecord } from '../errors.js';
import {
  type Calls,
  type FromWorker,
  mostSpare,
  type Progress,
  type RunRequest,
  smallModel,
  spareRate,
  type ToWorker,
} from './calls.js';
import { startHelper } from './helpers.js';
import { openSession } from './open.js';
import { buffersOf } from './wire.js';

/** The buffers of an answer that move instead of being copied. */
function transfers(call: keyof Calls, answer: Calls[keyof Calls]['answer']): ArrayBuffer[] {
  if (call === 'run') {
    const { results, spent } = answer as Calls['run']['answer'];
    return [...buffersOf(results), ...spent];
  }
  if (call === 'image') return [(answer as Calls['image']['answer']).memory.buffer];
  return [];
}

/** The buffers of feeds that have been read, if the page is to keep them behind a run of so many milliseconds. */
function spentBy({ feeds }: RunRequest, milliseconds: number): ArrayBuffer[] {
  const buffers = buffersOf(feeds.map(([, value]) => value));
  const bytes = buffers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return bytes <= mostSpare || bytes > spareRate * milliseconds ? buffers : [];
}

/** The worker's side: answers messages for the one session that it holds. */
export class Host {
  readonly #post: (message: FromWorker, transfer: ArrayBuffer[]) => void;
  readonly #module: Promise<WebAssembly.Module>;
  #provideModule: (module: WebAssembly.Module) => void = () => undefined;
  #engine: EngineSession | undefined;

  constructor(post: (message: FromWorker, transfer: ArrayBuffer[]) => void) {
    this.#post = post;
    this.#module = new Promise((resolve) => {
      this.#provideModule = resolve;
    });
    post({ ready: true }, []);
  }

  async receive(message: ToWorker): Promise<void> {
    if ('module' in message) {
      this.#provideModule(message.module);
      return;
    }
    if ('help' in message) return help(message.help);
    const { id } = message;
    try {
      const answer = await this.#answer(message);
      const transfer = transfers(message.call, answer);
      this.#post({ id, answer }, transfer);
    } catch (error) {
      this.#post({ id, error: toRecord(error), lost: this.#engine?.dead ?? false }, []);
    }
  }

  async #answer(
    message: Exclude<ToWorker, { module: unknown } | { help: unknown }>,
  ): Promise<Calls[keyof Calls]['answer']> {
    if (message.call === 'open') {
      const report = (progress: Progress) => this.#post({ progress }, []);
      const { engine, description } = await openSession(this.#module, message.ask, { report, startHelper });
      this.#engine = engine;
      const cancelFlag = engine.cancelFlag();
      const movable = message.ask.options.movable && engine.fileBytes <= smallModel && !description.loops;
      return { description, movable, ...(cancelFlag && { cancelFlag }) };
    }
    const engine = this.#engine as EngineSession;
    switch (message.call) {
      case 'run':
        return {
          results: await engine.run(message.ask.feeds, message.ask.fetches),
          milliseconds: engine.milliseconds,
          spent: spentBy(message.ask, engine.milliseconds),
        };
      case 'image':
        return engine.image();
      case 'info':
        return engine.info();
      case 'startProfiling':
        engine.startProfiling();
        return undefined;
      case 'endProfiling':
        return engine.endProfiling();
    }
  }
}
