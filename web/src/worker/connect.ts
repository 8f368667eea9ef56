// Where a session lives: in this thread, in a worker, or in a page's thread as far as its runs are small.
import { warn } from '../env.js';
import { KingletError } from '../errors.js';
import { isNode } from '../host/features.js';
import { loadEngine } from '../host/load.js';
import { bring } from '../model/source.js';
import { type OpenRequest, tinyModel } from './calls.js';
import { openInWorker } from './client.js';
import { type Connection, type ConnectOptions, openHere } from './connection.js';
import { Placement } from './placement.js';
import { WorkerUnavailable } from './thread.js';

/** Bytes that a model's buffers may take in a page before anything is known of its runs. */
const tinyMemory = 16 << 20;

/** Opens a session where `wish` (true: in a worker) or the surroundings say. */
export async function connect(
  request: OpenRequest,
  wish: boolean | undefined,
  how: ConnectOptions,
): Promise<Connection> {
  const inPage = !isNode() && typeof Worker !== 'undefined' && typeof document !== 'undefined';
  if (!(wish ?? inPage)) return openHere(request, how);
  if (wish || !request.options.movable || request.options.profile) return openAway(request, wish, how);
  const download = new AbortController();
  const abort = () => download.abort(how.signal?.reason);
  how.signal?.addEventListener('abort', abort);
  try {
    return await openInPage(request, { ...how, signal: download.signal });
  } catch (error) {
    download.abort(error);
    throw error;
  } finally {
    how.signal?.removeEventListener('abort', abort);
  }
}

/** In a worker; here if that cannot be had and was not asked for. */
async function openAway(
  request: OpenRequest,
  wish: boolean | undefined,
  how: ConnectOptions,
): Promise<Connection> {
  try {
    return await openInWorker(request, how);
  } catch (error) {
    if (!(error instanceof WorkerUnavailable)) throw error;
    if (wish)
      throw new KingletError('load_failed', `the worker did not start: ${error.message}`, { cause: error });
    warn(`the worker did not start (${error.message}); the model runs in the page's own thread`);
    return openHere(request, how);
  }
}

/** A tiny model is opened here, and in a worker only when a run asks for it; others the other way round. */
async function openInPage(request: OpenRequest, how: ConnectOptions): Promise<Connection> {
  const engineCode = loadEngine(request.options.threads);
  engineCode.catch(() => undefined);
  const alone = request.files.length === 0;
  const model = await bring(request.model, alone ? tinyModel : 0, how.signal);
  const away = { ...request, model };
  if (model.kind === 'bytes' && model.bytes.length <= tinyModel && alone) {
    const options = { ...request.options, memoryLimit: tinyMemory };
    const near = await openHere({ ...away, options }, how, engineCode).catch((error) => {
      if (error instanceof KingletError && error.code === 'out_of_memory') return undefined;
      throw error;
    });
    if (near && !near.description.loops) {
      const openFar = () => openAway(away, undefined, {});
      return Placement.startingNear(near, model.bytes.length, openFar);
    }
    near?.close();
  }
  const far = await openAway(away, undefined, how);
  return far.copy ? Placement.startingFar(far) : far;
}
