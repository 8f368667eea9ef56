// What a page holds once a model is open and has run: WebAssembly memory, which never shrinks and so is its peak, what JavaScript
// keeps after a collection, and the most that the page's process ever held.
import { readFile, stat } from 'node:fs/promises';
import { inPage, openIn } from '../browser.mjs';
import { table } from '../report.mjs';
import { filesOf } from '../site.mjs';
import { subjectOf } from '../subjects.mjs';

const names = ['resnet50', 'mobilenet-v2', 'bert-base', 'ppocr-det', 'unet'];
const runtimes = ['kinglet', 'onnxruntime-web'];

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

/** Most bytes that any page's process has held so far; 0 where the system does not tell. */
async function peakOfProcess(browser) {
  const devtools = await browser.newBrowserCDPSession();
  const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
  await devtools.detach();
  let most = 0;
  for (const { type, id } of processInfo) {
    if (type !== 'renderer') continue;
    const text = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '');
    most = Math.max(most, 1024 * Number(/^VmHWM:\s*(\d+)/m.exec(text)?.[1] ?? 0));
  }
  return most;
}

/** The runtime in the page's own thread, where its memories can be seen. @returns bytes */
const measure = (browser, base, runtime, files) =>
  inPage(
    browser,
    base,
    async (page, context) => {
      const devtools = await context.newCDPSession(page);
      await devtools.send('HeapProfiler.enable');
      const heap = async () => {
        await devtools.send('HeapProfiler.collectGarbage');
        return devtools.send('Runtime.getHeapUsage');
      };
      const held = ({ usedSize, backingStorageSize = 0 }) => usedSize + backingStorageSize;
      const before = await heap();
      const empty = await peakOfProcess(browser);
      await openIn(page, { name: 'x', runtime, ...files });
      await page.evaluate(() => globalThis.bench.time('x', 2));
      const after = await heap();
      const wasm = await page.evaluate(() => globalThis.wasmBytes());
      const info = runtime.startsWith('kinglet') && (await page.evaluate(() => globalThis.bench.info('x')));
      return {
        wasm,
        script: held(after) - held(before),
        process: (await peakOfProcess(browser)) - empty,
        activations: Number(/arena bytes (\d+)/.exec(info?.text)?.[1] ?? 0),
      };
    },
    watch,
  );

export const memory = {
  subjects: () => names.map(subjectOf),
  async run({ browser, base }) {
    const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
    const rows = [];
    for (const subject of names.map(subjectOf)) {
      const [ours, theirs] = [
        await measure(browser, base, 'kinglet in page', filesOf(subject)),
        await measure(browser, base, 'onnxruntime-web', filesOf(subject)),
      ];
      const { size } = await stat(await subject.path());
      const held = ({ wasm, script }) => wasm + script;
      const allowed = 1.3 * size + ours.activations;
      rows.push([
        `${subject.name} ${subject.shape}`,
        ...[size, ours.activations].map(megabytes),
        ...[ours, theirs].flatMap(({ wasm, script, process }) => [wasm, script, process].map(megabytes)),
        (held(ours) / allowed).toFixed(2),
        `${(held(theirs) / held(ours)).toFixed(2)}x`,
      ]);
    }
    const columns = runtimes.flatMap((name) => [`${name}: wasm`, 'JS', 'process']);
    const head = [
      'model',
      'file',
      'activations',
      ...columns,
      'of what is allowed',
      'less than onnxruntime-web',
    ];
    return [
      '## Memory (MB)',
      "A page of its own for each runtime and model, after two runs: WebAssembly memory, which never shrinks and so is its peak; what JavaScript holds beyond that of the empty page after a collection, the input included; the peak of the resident memory of the page's process beyond that of the empty page. Activations: the one block of the plan. Allowed for wasm and JS: 1.3 times the file and the activations.",
      table([head, ...rows]),
    ];
  },
};
