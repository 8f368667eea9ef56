import { type Env, env } from '../env.js';
import { KingletError } from '../errors.js';
import { hasRelaxedSimd, hasSimd } from './features.js';

/** The builds of the engine. `simd` gives the same bits everywhere; `relaxed` is faster where it is understood. */
export type Variant = 'simd' | 'relaxed';

/** The build for this machine and `env.wasm.simd`. */
export function chooseVariant(wish: Env.WebAssemblyFlags['simd'] = env.wasm.simd): Variant {
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
  const base = globalThis.location?.href ?? import.meta.url;
  if (typeof paths === 'string' && paths) return new URL(`${paths}kinglet-${variant}.wasm`, base);
  if (typeof paths === 'object' && paths.wasm) return new URL(paths.wasm, base);
  // Each a literal, so that bundlers find and emit the file.
  if (variant === 'relaxed') return new URL('../kinglet-relaxed.wasm', import.meta.url);
  return new URL('../kinglet-simd.wasm', import.meta.url);
}
