import type { Handle } from '../abi/abi.js';
import { EngineSession, type StartHelper } from '../abi/session.js';
import type { Description } from '../abi/types.js';
import { receive, request, type Source } from '../model/source.js';
import type { OpenRequest, Progress } from './calls.js';

// Reports closer together than this tell nobody anything.
const progressInterval = 50;

/** Sums the progress of several files, and passes it on now and then. */
function meter(files: number, report: ((progress: Progress) => void) | undefined) {
  const loaded = new Array<number>(files).fill(0);
  const totals = new Array<number | undefined>(files).fill(undefined);
  const sum = (values: (number | undefined)[]) =>
    values.reduce((a: number | undefined, b) => (a === undefined || b === undefined ? undefined : a + b), 0);
  let last = 0;
  return (file: number) => (bytes: number, total: number | undefined) => {
    loaded[file] = bytes;
    totals[file] = total;
    const progress = { loaded: sum(loaded) as number, total: sum(totals) };
    const now = performance.now();
    if (!report || (now - last < progressInterval && progress.loaded !== progress.total)) return;
    last = now;
    report(progress);
  };
}

/** Receives the files into a new instance of the engine and opens the model there. */
export async function openSession(
  module: Promise<WebAssembly.Module>,
  { model, files, options }: OpenRequest,
  {
    report,
    signal,
    startHelper,
  }: {
    report?: ((progress: Progress) => void) | undefined;
    signal?: AbortSignal | undefined;
    startHelper?: StartHelper | undefined;
  },
): Promise<{ engine: EngineSession; description: Description }> {
  const all: Source[] = [model, ...files.map(({ source }) => source)];
  const streams = all.map((source) => request(source, signal));
  const progress = meter(all.length, report);
  const engine = await EngineSession.create(await module, startHelper);
  engine.limitMemory(options.memoryLimit);
  const received: [path: string, bytes: Handle][] = [];
  for (const [i, stream] of streams.entries()) {
    const allocate = (bytes: number) => {
      const destination = engine.allocate(bytes);
      received[i] = [i === 0 ? '' : (files[i - 1] as OpenRequest['files'][0]).path, destination.handle];
      return destination.write;
    };
    await receive(stream, allocate, progress(i), signal);
  }
  signal?.throwIfAborted();
  const description = engine.open(received, options);
  return { engine, description };
}
