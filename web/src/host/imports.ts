import type { Heap } from '../abi/heap.js';
import type { Pictures } from '../abi/pictures.js';
import { KingletError } from '../errors.js';
import { hasSharedMemory } from './features.js';
import { numberImports } from './numbers.js';

// The codes of WASI preview 1.
const success = 0;
const badDescriptor = 8;

/** The functions that the engine takes from its surroundings. `heap` is there once the module is instantiated. */
function table(
  heap: () => Heap,
  pictures?: Pictures,
): Record<string, Record<string, (...values: never[]) => unknown>> {
  return {
    kinglet: {
      ...numberImports(heap),
      ...(pictures?.imports ?? { picture_find: () => 0, picture_read: () => undefined }),
    },
    env: {
      // Views are renewed when they are used.
      emscripten_notify_memory_growth: () => undefined,
      // The rest of the builds with threads.
      emscripten_get_now: () => performance.now(),
      emscripten_date_now: () => Date.now(),
      _emscripten_get_now_is_monotonic: () => 1,
      _abort_js: () => {
        throw new WebAssembly.RuntimeError('the engine ended itself');
      },
      // (bytes wanted in all), 1 on success. A fifth more, at most a megabyte, so that few calls are needed.
      emscripten_resize_heap: (wanted: number) => {
        const { memory } = heap();
        const now = memory.buffer.byteLength;
        for (const bytes of [
          Math.max(wanted >>> 0, Math.min(now * 1.2, now + 2 ** 20, maximumPages * page)),
          wanted >>> 0,
        ]) {
          try {
            memory.grow(Math.ceil((bytes - now) / page));
            return 1;
          } catch {
            // Less may be there.
          }
        }
        return 0;
      },
    },
    wasi_snapshot_preview1: {
      // (clock, precision, address of uint64): nanoseconds
      clock_time_get: (clock: number, _precision: unknown, at: number) => {
        const milliseconds = clock === 0 ? Date.now() : performance.now();
        heap().writeUint64(at >>> 0, BigInt(Math.round(milliseconds * 1e6)));
        return success;
      },
      // No variables and no arguments.
      environ_sizes_get: (count: number, bytes: number) => {
        heap().writeUint32(count >>> 0, 0);
        heap().writeUint32(bytes >>> 0, 0);
        return success;
      },
      environ_get: () => success,
      // No files: the engine prints nothing and opens nothing.
      fd_write: () => badDescriptor,
      fd_read: () => badDescriptor,
      fd_seek: () => badDescriptor,
      fd_close: () => badDescriptor,
      proc_exit: (code: number) => {
        throw new WebAssembly.RuntimeError(`the engine ended itself with code ${code}`);
      },
    },
  };
}

// As the linker was told (CMakeLists.txt): the module takes memory of at least its first size and at most 4 GiB.
const page = 65536;
const firstPages = 64;
const maximumPages = 65536;

/** Memory for a build with threads; undefined for a module that brings its own. Fails with `load_failed`. */
export function sharedMemoryFor(module: WebAssembly.Module): WebAssembly.Memory | undefined {
  if (!WebAssembly.Module.imports(module).some(({ kind }) => kind === 'memory')) return undefined;
  if (!hasSharedMemory()) {
    throw new KingletError(
      'load_failed',
      'the wasm file needs shared memory, which this page does not have',
      {
        context: { hint: 'send the headers for cross-origin isolation, or use the build without threads' },
      },
    );
  }
  return new WebAssembly.Memory({ initial: firstPages, maximum: maximumPages, shared: true });
}

/**
 * What `module` asks for; without `pictures` its ImageDecoder finds none. Fails with `load_failed` for something that is
 * not in the table.
 */
export function importsFor(
  module: WebAssembly.Module,
  heap: () => Heap,
  pictures?: Pictures,
): WebAssembly.Imports {
  const offered = table(heap, pictures);
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: space, name, kind } of WebAssembly.Module.imports(module)) {
    const value = kind === 'memory' ? heap().memory : offered[space]?.[name];
    if ((kind !== 'function' && kind !== 'memory') || !value) {
      throw new KingletError(
        'load_failed',
        `the wasm file wants ${space}.${name}, which this version does not have`,
      );
    }
    imports[space] = { ...imports[space], [name]: value };
  }
  return imports;
}
