import { type Env, env } from '../env.js';
import { KingletError } from '../errors.js';
import { here, type Variant, wasmFiles } from '../files.js';
import { hasRelaxedSimd, hasSimd } from './features.js';

/** The instructions of a build: `simd` gives the same bits everywhere; `relaxed` is faster where it is understood. */
type Instructions = 'simd' | 'relaxed';

/** The build for this machine, `env.wasm.simd` and a number of threads. */
export function chooseVariant(threads: number, wish?: Env.WebAssemblyFlags['simd']): Variant {
  const instructions = chooseInstructions(wish);
  return threads > 1 ? `${instructions}-threads` : instructions;
}

function chooseInstructions(wish: Env.WebAssemblyFlags['simd'] = env.wasm.simd): Instructions {
  if (!hasSimd()) {
    throw new KingletError('load_failed', 'this browser has no WebAssembly SIMD', {
      context: { hint: 'use a browser of 2023 or newer' },
    });
  }
  if (wish === 'fixed' || wish === false) return 'simd';
  if (hasRelaxedSimd()) return 'relaxed';
  if (wish === 'relaxed') throw new KingletError('load_failed', 'this browser has no relaxed SIMD');
  return 'simd';
}

/** Where the build's file is: beside this package's scripts unless `env.wasm.wasmPaths` says otherwise. */
export function wasmUrl(variant: Variant): URL {
  const paths = env.wasm.wasmPaths;
  const base = globalThis.location?.href ?? here;
  if (typeof paths === 'string' && paths) return new URL(`${paths}kinglet-${variant}.wasm`, base);
  if (typeof paths === 'object' && paths.wasm) return new URL(paths.wasm, base);
  return wasmFiles[variant]();
}
