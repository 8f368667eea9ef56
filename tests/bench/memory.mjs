// What a page holds once a model is open and has run: WebAssembly memory, which never shrinks and so is its peak, and
// what JavaScript keeps after a collection.
import { openPage, waitFor } from './browser.mjs';
import { key } from './subjects.mjs';

/** Runs in the page before any script of it: remembers every memory that a module has. */
function watch() {
  const memories = new Set();
  globalThis.wasmBytes = () => [...memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  const { Memory, instantiate, instantiateStreaming } = WebAssembly;
  const look = (result) => {
    for (const value of Object.values((result.instance ?? result).exports))
      if (value instanceof Memory) memories.add(value);
    return result;
  };
  // A proxy, so that memories are still instances of it.
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, args) {
      const memory = Reflect.construct(target, args);
      memories.add(memory);
      return memory;
    },
  });
  WebAssembly.instantiate = (...args) => instantiate(...args).then(look);
  WebAssembly.instantiateStreaming = (...args) => instantiateStreaming(...args).then(look);
}

/** The runtime in the page's own thread, where its memories can be seen. */
const inPage = (runtime) => (runtime === 'kinglet' ? 'kinglet in page' : runtime);

/** @returns {Promise<{ wasm: number, script: number }>} bytes */
export async function measureMemory(browser, base, subject, runtime) {
  const context = await browser.newContext();
  try {
    await context.addInitScript(watch);
    const page = await openPage(context, `${base}models.html`);
    await waitFor(page, () => globalThis.bench !== undefined);
    await page.evaluate(
      ([name, subject]) => globalThis.bench.open(name, subject).then(() => globalThis.bench.time(name, 2)),
      [inPage(runtime), key(subject)],
    );
    const devtools = await context.newCDPSession(page);
    await devtools.send('HeapProfiler.enable');
    await devtools.send('HeapProfiler.collectGarbage');
    const usage = await devtools.send('Runtime.getHeapUsage');
    const wasm = await page.evaluate(() => globalThis.wasmBytes());
    return { wasm, script: usage.usedSize };
  } finally {
    await context.close();
  }
}
