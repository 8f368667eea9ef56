import { env } from '../env.js';
import { KingletError } from '../errors.js';
import type { Variant } from '../files.js';
import { isNode } from './features.js';
import { builtin } from './node.js';
import { chooseVariant, wasmUrl } from './variant.js';

/** The engine's code, ready to be instantiated any number of times and in any worker. */
export interface Engine {
  variant: Variant | 'custom';
  module: WebAssembly.Module;
}

const placement = 'copy the kinglet-*.wasm files to where the page looks for them, or set env.wasm.wasmPaths';

const loads = new Map<string, Promise<WebAssembly.Module>>();
const binaries = new WeakMap<object, Promise<WebAssembly.Module>>();

/**
 * The engine for the settings in `env` and a number of threads. Loaded once; a failed load is forgotten, so that the next
 * call tries again.
 */
export async function loadEngine(threads: number): Promise<Engine> {
  const { wasmBinary, initTimeout } = env.wasm;
  if (wasmBinary) {
    const made =
      binaries.get(wasmBinary) ?? compile(new Uint8Array(wasmBinary as ArrayBuffer), 'env.wasm.wasmBinary');
    binaries.set(wasmBinary, made);
    return { variant: 'custom', module: await made };
  }
  const variant = chooseVariant(threads);
  const url = wasmUrl(variant);
  let load = loads.get(url.href);
  if (!load) {
    load = fetchModule(url, initTimeout ? AbortSignal.timeout(initTimeout) : undefined);
    loads.set(url.href, load);
    load.catch(() => loads.delete(url.href));
  }
  return { variant, module: await load };
}

async function fetchModule(url: URL, signal: AbortSignal | undefined): Promise<WebAssembly.Module> {
  if (url.protocol === 'file:' && isNode()) {
    try {
      return await compile(await builtin('node:fs/promises').readFile(url), url.href);
    } catch (error) {
      throw error instanceof KingletError ? error : failed(url.href, 'it cannot be read', error);
    }
  }
  let response: Response;
  try {
    response = await fetch(url, { credentials: 'same-origin', ...(signal && { signal }) });
  } catch (error) {
    const why = signal?.aborted ? 'env.wasm.initTimeout passed before it came' : 'the request failed';
    throw failed(url.href, why, error);
  }
  if (!response.ok) {
    throw failed(url.href, `the server answered with status ${response.status}`, undefined, {
      hint: placement,
    });
  }
  const type = response.headers.get('content-type')?.split(';')[0]?.trim();
  if (type === 'application/wasm') {
    try {
      return await WebAssembly.compileStreaming(response);
    } catch (error) {
      throw refused(url.href, error);
    }
  }
  return compile(new Uint8Array(await response.arrayBuffer()), url.href, type);
}

/** Compiles bytes that may turn out to be anything. */
async function compile(
  bytes: Uint8Array<ArrayBuffer>,
  from: string,
  type?: string,
): Promise<WebAssembly.Module> {
  const isWasm =
    bytes.length >= 8 && bytes[0] === 0 && String.fromCharCode(...bytes.subarray(1, 4)) === 'asm';
  if (!isWasm) {
    const start = new TextDecoder().decode(bytes.subarray(0, 64)).trimStart();
    if (start.startsWith('<')) {
      throw failed(from, 'the server sent a web page in place of the wasm file', undefined, {
        hint: placement,
      });
    }
    throw failed(from, `it is not a wasm file${type ? ` (content type ${type})` : ''}`);
  }
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw refused(from, error);
  }
}

function failed(
  url: string,
  why: string,
  cause?: unknown,
  context: Record<string, string> = {},
): KingletError {
  return new KingletError('load_failed', `${url}: ${why}`, { context: { url, ...context }, cause });
}

/** The error for wasm that the browser did not compile. */
function refused(url: string, cause: unknown): KingletError {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/content security policy|unsafe-eval/i.test(text)) {
    const hint = "add 'wasm-unsafe-eval' to script-src";
    return failed(url, "the page's Content Security Policy forbids WebAssembly", cause, { hint });
  }
  return failed(url, `the browser did not compile it: ${text}`, cause);
}
