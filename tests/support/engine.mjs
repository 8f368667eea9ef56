// The engine without the public API: many sessions in one instance, in this thread.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const dist = new URL('../../dist/', import.meta.url);
const load = (path) => import(new URL(path, new URL('../../build/package/', import.meta.url)));

/**
 * @param {'simd' | 'relaxed' | 'simd-threads' | 'relaxed-threads'} variant
 * @returns an instance; after a trap it must not be used any more
 */
export async function createEngine(variant) {
  const [
    { Abi },
    { Heap },
    { isNumeric, writeValue },
    { giveFeeds, takeResults },
    { toWire },
    { importsFor, sharedMemoryFor },
    { KingletError },
  ] = await Promise.all(
    [
      'abi/abi.js',
      'abi/heap.js',
      'abi/values.js',
      'abi/exchange.js',
      'worker/values.js',
      'host/imports.js',
      'errors.js',
    ].map(load),
  );
  const bytes = await readFile(fileURLToPath(new URL(`kinglet-${variant}.wasm`, dist)));
  const module = await WebAssembly.compile(bytes);
  const shared = sharedMemoryFor(module);
  let heap = shared && new Heap(shared);
  const { exports } = await WebAssembly.instantiate(
    module,
    importsFor(module, () => heap),
  );
  heap ??= new Heap(exports.memory);
  (exports._initialize ?? exports.__wasm_call_ctors)?.();
  const abi = new Abi(exports, heap);
  let dead = false;

  /** Passes errors on; what is no KingletError is a trap, after which nothing is called any more. */
  function guarded(action) {
    try {
      return action();
    } catch (error) {
      dead ||= !(error instanceof KingletError);
      throw error;
    }
  }

  function release(handle) {
    if (handle !== 0 && !dead) abi.release(handle);
  }

  /** Opens a model; the caller releases the session. */
  function open(model, { optimize = true } = {}) {
    let handle = abi.bytesNew(model.length);
    let session = 0;
    try {
      return guarded(() => {
        heap.write(abi.bytesData(handle), model);
        session = abi.sessionNew();
        abi.sessionFile(session, '', handle);
        release(handle);
        handle = 0;
        abi.sessionOpen(session, Number(optimize), 0);
        return session;
      });
    } catch (error) {
      release(session);
      throw error;
    } finally {
      release(handle);
    }
  }

  /** Runs with values by input name and gives all outputs by name. */
  function run(session, feeds) {
    const { inputs, outputs } = JSON.parse(abi.sessionDescribe(session));
    const given = [];
    for (const [i, { name, type }] of inputs.entries()) {
      if (feeds[name] === undefined) continue;
      const value = toWire(feeds[name], type, name);
      given.push([i, isNumeric(value) ? value : writeValue(abi, value)]);
    }
    const all = [...outputs.keys()];
    try {
      const results = guarded(() => {
        const rows = giveFeeds(abi, session, given, all);
        abi.sessionRun(session, rows, all.length);
        return takeResults(abi, session, rows, all);
      });
      return Object.fromEntries(outputs.map(({ name }, i) => [name, results[i]]));
    } finally {
      for (const [, value] of given) if (typeof value === 'number') release(value);
    }
  }

  return { abi, heap, open, run, release, KingletError };
}
