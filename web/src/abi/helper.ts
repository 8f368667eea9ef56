import { importsFor } from '../host/imports.js';
import type { Exports } from './abi.js';
import { Heap } from './heap.js';
import type { HelperSeat } from './session.js';

/** Takes part in the runs of an engine from this thread until the engine lets it go. Blocks the thread. */
export async function help({ module, memory, stack }: HelperSeat): Promise<void> {
  const heap = new Heap(memory);
  const instance = await WebAssembly.instantiate(
    module,
    importsFor(module, () => heap),
  );
  const exports = instance.exports as unknown as Exports & { _emscripten_stack_restore(at: number): void };
  exports._emscripten_stack_restore(stack);
  try {
    exports.kl_thread_help();
  } catch (error) {
    exports._emscripten_stack_restore(stack);
    exports.kl_thread_lost();
    throw error;
  }
}
