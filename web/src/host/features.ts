// What the browser or Node can do, found without running anything.
import { builtin } from './node.js';

// (module (func (param v128 v128 v128) (result v128) local.get 0 local.get 1 local.get 2 f32x4.relaxed_madd))
const relaxedMadd = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 8, 1, 96, 3, 123, 123, 123, 1, 123, 3, 2, 1, 0, 10, 13, 1, 11, 0, 32, 0, 32,
  1, 32, 2, 253, 133, 2, 11,
];
// (module (func (result v128) i32.const 0 i8x16.splat))
const simd = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11,
];

const known = new Map<readonly number[], boolean>();

function validates(module: readonly number[]): boolean {
  let answer = known.get(module);
  if (answer === undefined) {
    answer = WebAssembly.validate(Uint8Array.from(module));
    known.set(module, answer);
  }
  return answer;
}

/** 128-bit SIMD: every build needs it. */
export function hasSimd(): boolean {
  return validates(simd);
}

/** Relaxed SIMD: fused multiply-add and the int8 dot product. */
export function hasRelaxedSimd(): boolean {
  return validates(relaxedMadd);
}

/** Shared memory, which threads need: in a page only with cross-origin isolation. */
export function hasSharedMemory(): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && (globalThis.crossOriginIsolated ?? true);
}

/**
 * Threads for a session, the one that it lives in included. `wanted`: 0 is as many as help, which leaves cores to the
 * page and to others.
 */
export function threadCount(wanted: number): number {
  if (!hasSharedMemory()) return 1;
  const cores = isNode()
    ? builtin('node:os').availableParallelism()
    : (globalThis.navigator.hardwareConcurrency ?? 1);
  const helpful = Math.min(4, Math.max(Math.ceil(cores / 2), Math.min(cores, 2)));
  return Math.max(1, Math.min(Math.trunc(wanted) || helpful, 64));
}

/** True in Node and what imitates it, not in a page or worker of a browser. */
export function isNode(): boolean {
  const { process } = globalThis as { process?: { versions?: { node?: string }; type?: string } };
  return (
    typeof process?.versions?.node === 'string' && process.type !== 'renderer' && process.type !== 'worker'
  );
}
