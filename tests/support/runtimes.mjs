// The runtimes that tests compare, behind one small interface: Kinglet's public API and its judges.
import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { mapTensors } from './values.mjs';

/**
 * @typedef {{ inputNames: readonly string[], outputNames: readonly string[],
 *   run: (feeds: Record<string, any>) => Promise<Record<string, any>>, release: () => Promise<void> }} Session
 * @typedef {{ name: string, create: (model: Uint8Array, options?: object) => Promise<Session>,
 *   typed: (error: any) => string | undefined }} Runtime
 *   `run` takes and gives plain values (values.mjs); `typed` is the code of an error of the runtime's own kind
 */

const inRoot = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Whether this Node runs relaxed SIMD; Node 20 needs --experimental-wasm-relaxed-simd. */
export function hasRelaxedSimd() {
  // (func (result v128) i32.const 0 i8x16.splat i32.const 0 i8x16.splat i8x16.relaxed_swizzle)
  const body = [0, 65, 0, 253, 15, 65, 0, 253, 15, 253, 128, 2, 11];
  const module = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0];
  return WebAssembly.validate(Uint8Array.from([...module, 10, body.length + 2, 1, body.length, ...body]));
}

function wrap(name, { InferenceSession, Tensor }, settings, typed) {
  const make = (type, data, dims) => new Tensor(type, data, dims);
  return {
    name,
    typed,
    async create(model, options) {
      const session = await InferenceSession.create(model, { ...settings, ...options });
      return {
        inputNames: session.inputNames,
        outputNames: session.outputNames,
        release: () => session.release(),
        info: () => session.info(),
        async run(feeds) {
          const given = Object.entries(feeds).map(([key, value]) => [key, mapTensors(value, make)]);
          return session.run(Object.fromEntries(given));
        },
      };
    },
  };
}

const quiet = { logSeverityLevel: 3 };
const unknownKind = () => undefined;

const openers = {
  async 'ort-node'() {
    const { default: ort } = await import('onnxruntime-node');
    return wrap('ort-node', ort, { ...quiet, intraOpNumThreads: 1 }, unknownKind);
  },
  async 'ort-web'() {
    const { default: ort } = await import('onnxruntime-web');
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = 'error';
    return wrap('ort-web', ort, quiet, unknownKind);
  },
  'kinglet-simd': () => openKinglet('simd', 1),
  'kinglet-relaxed': () => openKinglet('relaxed', 1),
  'kinglet-simd-threads': () => openKinglet('simd', 3),
  'kinglet-relaxed-threads': () => openKinglet('relaxed', 3),
};

async function openKinglet(variant, threads) {
  if (!existsSync(inRoot('dist/index.js')))
    throw new Error('dist/ is missing. Build it: npm run build wasm package');
  if (variant === 'relaxed' && !hasRelaxedSimd())
    throw new Error('the relaxed build needs: node --experimental-wasm-relaxed-simd');
  const kinglet = await import('kinglet');
  kinglet.env.wasm.simd = variant === 'simd' ? 'fixed' : 'relaxed';
  kinglet.env.wasm.numThreads = threads;
  // `internal` is what a trap becomes: never an answer to a model.
  const typed = (error) =>
    error instanceof kinglet.KingletError && error.code !== 'internal' ? error.code : undefined;
  return wrap(`kinglet-${variant}${threads > 1 ? '-threads' : ''}`, kinglet, {}, typed);
}

export const runtimeNames = Object.keys(openers);

/**
 * @param {string} name one of `runtimeNames`, or the path of a module whose `open()` gives a runtime
 * @returns {Promise<Runtime>}
 */
export async function openRuntime(name) {
  if (name.endsWith('.mjs')) return (await import(pathToFileURL(name))).open();
  if (!openers[name]) throw new Error(`no such runtime: ${name} (there are ${runtimeNames.join(', ')})`);
  return openers[name]();
}

/** What a Node process must be started with to open the runtime. */
export const nodeFlags = (name) =>
  name.startsWith('kinglet-relaxed') ? ['--experimental-wasm-relaxed-simd'] : [];
