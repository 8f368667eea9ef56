// Where the package's own files are. The published package is two scripts in one folder, `index.js` and `worker.js`, and
// the wasm files beside them; this file is at the same height as both, so that its addresses hold in either.

// Each a literal, so that bundlers find and emit the file.
export const wasmFiles = {
  simd: () => new URL('./kinglet-simd.wasm', import.meta.url),
  relaxed: () => new URL('./kinglet-relaxed.wasm', import.meta.url),
  'simd-threads': () => new URL('./kinglet-simd-threads.wasm', import.meta.url),
  'relaxed-threads': () => new URL('./kinglet-relaxed-threads.wasm', import.meta.url),
};

/** The builds of the engine: plain or relaxed SIMD, on one thread or on memory that threads share. */
export type Variant = keyof typeof wasmFiles;

/** The worker, in the form that bundlers see and bundle. */
export const newWorker = (): Worker =>
  new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });

/** What addresses are relative to in a program without a page. */
export const here = import.meta.url;

/** The worker's script for Node, in a form that no bundler takes for a file of the page. */
export const workerFile = () => new URL('./worker.js', here);
