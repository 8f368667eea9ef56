import type { Heap } from '../abi/heap.js';
import { KingletError } from '../errors.js';

// The codes of WASI preview 1.
const success = 0;
const badDescriptor = 8;

/** The functions that the engine takes from its surroundings. `heap` is there once the module is instantiated. */
function table(heap: () => Heap): Record<string, Record<string, (...values: never[]) => unknown>> {
  return {
    env: {
      // Views are renewed when they are used.
      emscripten_notify_memory_growth: () => undefined,
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

/** What `module` asks for. Fails with `load_failed` for something that is not in the table. */
export function importsFor(module: WebAssembly.Module, heap: () => Heap): WebAssembly.Imports {
  const offered = table(heap);
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: space, name, kind } of WebAssembly.Module.imports(module)) {
    const value = offered[space]?.[name];
    if (kind !== 'function' || !value) {
      throw new KingletError(
        'load_failed',
        `the wasm file wants ${space}.${name}, which this version does not have`,
      );
    }
    imports[space] = { ...imports[space], [name]: value };
  }
  return imports;
}
