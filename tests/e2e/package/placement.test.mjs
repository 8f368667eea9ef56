// Where runs of a session in a page happen: small ones come from the worker to the page, those of tiny models begin there.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { joinAndFlip, loop, model, node, padded, slowToOpen, transposes } from '../../web/models.mjs';
import { launch, openPage, serve } from './chromium.mjs';

/** y = x in `shape`. */
const expand = model({
  inputs: { x: ['float32'], shape: ['int64', 'N'] },
  outputs: { y: ['float32', ''] },
  nodes: [node('Expand', 'x shape', 'y')],
});

const script = `
  import * as kinglet from './kinglet/index.js';
  globalThis.kinglet = kinglet;
  // Every message to a worker is counted.
  globalThis.messages = 0;
  const { postMessage } = Worker.prototype;
  Worker.prototype.postMessage = function (...args) {
    globalThis.messages++;
    return postMessage.apply(this, args);
  };
  /** Runs until runs take no messages, at most 400 times. Whether that happened. */
  globalThis.settles = async (run) => {
    for (let i = 0; i < 400; i++) {
      const before = globalThis.messages;
      await run();
      await new Promise((resolve) => setTimeout(resolve));
      if (globalThis.messages === before && i > 2) return true;
    }
    return false;
  };
`;

let browser;
let site;

before(async () => {
  browser = await launch();
  site = await serve({
    mounts: { 'kinglet/': fileURLToPath(new URL('../../../dist/', import.meta.url)) },
    files: {
      'index.html': `<!doctype html><link rel="icon" href="data:,"><script type="module" src="page.js"></script>`,
      'page.js': script,
      'model.onnx': padded(joinAndFlip),
      'transposes.onnx': padded(transposes(20)),
      'loop.onnx': loop,
      'slow.onnx': slowToOpen(64, 2000),
      'tiny.onnx': joinAndFlip,
      'tiny-transposes.onnx': transposes(20),
      'expand.onnx': expand,
    },
  });
});
after(async () => {
  await browser.close();
  await site.close();
});

/** What `action` gives in a page of that kind, in which nothing may go wrong. */
async function inPage(kind, action) {
  const page = await openPage(browser, `${site.url}${kind}/index.html`);
  const outcome = await page.evaluate(action);
  assert.deepEqual([...page.problems, ...page.warnings], []);
  await page.close();
  return outcome;
}

for (const kind of ['plain', 'isolated', 'strict']) {
  describe(`a ${kind} page`, () => {
    test('takes over small runs, with the same results, errors and ends', async () => {
      const outcome = await inPage(kind, async () => {
        const { InferenceSession, Tensor } = globalThis.kinglet;
        const session = await InferenceSession.create('model.onnx');
        const a = new Tensor('float32', [1, 2, 3], [1, 3]);
        const first = await session.run({ a, b: a });
        const settled = await globalThis.settles(() => session.run({ a, b: a }));
        const before = globalThis.messages;
        const many = await Promise.all(
          [4, 5, 6].map(async (x) => {
            const b = new Tensor('float32', [x, x, x], [1, 3]);
            const run = session.run({ a, b });
            b.data.fill(0);
            return [...(await run).joined.data];
          }),
        );
        const last = await session.run({ a, b: a });
        const here = globalThis.messages === before;
        const wrong = { a, b: new Tensor('float32', [1, 2], [1, 2]) };
        const refused = await session.run(wrong).catch(({ code, message }) => [code, message]);
        const aborted = await session
          .run({ a, b: a }, { signal: AbortSignal.abort('enough') })
          .catch((reason) => reason);
        const promise = session.run({ a, b: a }).then(
          () => 'ran',
          ({ code }) => code,
        );
        await session.release();
        const ended = await promise;
        const released = await session.run({ a, b: a }).catch(({ code }) => code);
        const rows = [first, last].map(({ flipped }) => [...flipped.data]);
        return { settled, here, many, rows, refused, aborted, ended, released };
      });
      assert.ok(outcome.settled && outcome.here);
      assert.deepEqual(
        outcome.many,
        [4, 5, 6].map((x) => [1, 2, 3, x, x, x]),
      );
      assert.deepEqual(outcome.rows, [
        [1, 1, 2, 2, 3, 3],
        [1, 1, 2, 2, 3, 3],
      ]);
      assert.equal(outcome.refused[0], 'invalid_input');
      assert.match(outcome.refused[1], /input 'b' is float32\[1,2\]/);
      assert.equal(outcome.aborted, 'enough');
      assert.ok(['ran', 'session_released'].includes(outcome.ended));
      assert.equal(outcome.released, 'session_released');
    });

    test('takes over what was slow to open without opening it again or a long pause', async () => {
      const outcome = await inPage(kind, async () => {
        const { InferenceSession, Tensor } = globalThis.kinglet;
        let opened = 0;
        const { instantiate } = WebAssembly;
        WebAssembly.instantiate = async (...args) => {
          const { exports } = await instantiate(...args);
          const kl_session_open = (...values) => {
            opened++;
            return exports.kl_session_open(...values);
          };
          return { exports: { ...exports, kl_session_open } };
        };
        const x = new Tensor('float32', new Float32Array(64 * 64).fill(1), [64, 64]);
        const here = await InferenceSession.create('slow.onnx', { worker: false });
        const start = performance.now();
        const again = await InferenceSession.create('slow.onnx', { worker: false });
        const opening = performance.now() - start;
        await Promise.all([here.release(), again.release()]);
        const expected = opened;
        const session = await InferenceSession.create('slow.onnx');
        const first = (await session.run({ x })).y.data;
        // A message that the page sends itself comes back at once, unless the page is busy.
        let pause = 0;
        let last = performance.now();
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          const now = performance.now();
          pause = Math.max(pause, now - last);
          last = now;
          port2.postMessage(0);
        };
        port2.postMessage(0);
        const settled = await globalThis.settles(() => session.run({ x }));
        port1.close();
        const same = (await session.run({ x })).y.data.every((y, i) => y === first[i] && y === 2);
        await session.release();
        return { settled, same, expected, opened, opening, pause };
      });
      assert.ok(outcome.settled && outcome.same);
      assert.equal(outcome.expected, 2);
      assert.equal(outcome.opened, 2);
      assert.ok(outcome.pause < outcome.opening, `${outcome.pause} of ${outcome.opening} ms`);
    });

    test('leaves long runs to the worker', async () => {
      const outcome = await inPage(kind, async () => {
        const { InferenceSession, Tensor } = globalThis.kinglet;
        const session = await InferenceSession.create('transposes.onnx', {
          graphOptimizationLevel: 'disabled',
        });
        const matrix = (n) => new Tensor('float32', new Float32Array(n * n).fill(n), [n, n]);
        const run = (x0) => () => session.run({ x0 });
        // By now the worker may have helpers, which the page's engine must do without.
        const large = matrix(1000);
        for (let i = 0; i < 4; i++) await run(large)();
        const small = await globalThis.settles(run(matrix(2)));
        const messages = [];
        for (let i = 0; i < 8; i++) {
          const before = globalThis.messages;
          await run(large)();
          messages.push(globalThis.messages - before);
        }
        await session.release();
        return { small, messages };
      });
      assert.deepEqual(outcome, { small: true, messages: new Array(8).fill(1) });
    });
  });
}

describe('a tiny model', () => {
  test('is opened and run in the page, from every source, without a word to a worker', async () => {
    for (const kind of ['plain', 'isolated', 'strict', 'workerless']) {
      const outcome = await inPage(kind, async () => {
        const { InferenceSession, Tensor } = globalThis.kinglet;
        const a = new Tensor('float32', [1, 2, 3], [1, 3]);
        const bytes = new Uint8Array(await (await fetch('tiny.onnx')).arrayBuffer());
        const outcome = [];
        for (const source of ['tiny.onnx', bytes, new Blob([bytes])]) {
          const progress = [];
          const onProgress = ({ loaded, total }) => progress.push([loaded, total]);
          const session = await InferenceSession.create(source, { onProgress });
          const { joined } = await session.run({ a, b: a });
          await session.release();
          outcome.push([...joined.data, ...progress.at(-1)], globalThis.messages);
        }
        return { outcome, size: bytes.length };
      });
      const { size } = outcome;
      assert.deepEqual(outcome.outcome, new Array(3).fill([[1, 2, 3, 1, 2, 3, size, size], 0]).flat());
    }
  });

  test('has a worker when it is fed much; feeds may change after the call', async () => {
    for (const kind of ['plain', 'isolated', 'strict']) {
      const outcome = await inPage(kind, async () => {
        const { InferenceSession, Tensor } = globalThis.kinglet;
        const session = await InferenceSession.create('tiny-transposes.onnx');
        const matrix = (n) => new Tensor('float32', new Float32Array(n * n).fill(n), [n, n]);
        const messages = [];
        const values = [];
        for (const n of [2, 600, 2, 600]) {
          const before = globalThis.messages;
          const x0 = matrix(n);
          const run = session.run({ x0 });
          x0.data.fill(0);
          const { x20 } = await run;
          values.push(x20.data.every((x) => x === n));
          messages.push(globalThis.messages > before);
        }
        await session.release();
        const released = await session.run({ x0: matrix(600) }).catch(({ code }) => code);
        return { messages, values, released };
      });
      assert.deepEqual(outcome.messages, [false, true, false, true]);
      assert.deepEqual(outcome.values, [true, true, true, true]);
      assert.equal(outcome.released, 'session_released');
    }
  });

  test('has a worker when it wants much memory', async () => {
    const outcome = await inPage('plain', async () => {
      const { InferenceSession, Tensor } = globalThis.kinglet;
      const session = await InferenceSession.create('expand.onnx');
      const x = new Tensor('float32', [3], []);
      const run = async (n) => {
        const { y } = await session.run({ x, shape: new Tensor('int64', [BigInt(n)], [1]) });
        return [y.data.length, y.data.at(-1)];
      };
      const results = [await run(4), globalThis.messages, await run(6e6), globalThis.messages > 0];
      const settled = await globalThis.settles(() => run(4));
      await session.release();
      return { results, settled };
    });
    assert.deepEqual(outcome, { results: [[4, 3], 0, [6e6, 3], true], settled: true });
  });

  test('released or aborted while its worker starts, ends', async () => {
    const outcome = await inPage('plain', async () => {
      const { InferenceSession, Tensor } = globalThis.kinglet;
      const large = { x0: new Tensor('float32', new Float32Array(600 * 600), [600, 600]) };
      const small = { x0: new Tensor('float32', new Float32Array(4), [2, 2]) };
      const session = await InferenceSession.create('tiny-transposes.onnx');
      const controller = new AbortController();
      const aborted = session.run(large, { signal: controller.signal }).catch((reason) => reason);
      controller.abort('enough');
      const after = (await session.run(small)).x20.dims;
      const released = session.run(large).catch(({ code }) => code);
      await session.release();
      return [await aborted, after, await released];
    });
    assert.deepEqual(outcome, ['enough', [2, 2], 'session_released']);
  });
});

test('what the caller wants in a worker, has a memory limit, is recorded, or may loop stays in the worker', async () => {
  const outcome = await inPage('plain', async () => {
    const { InferenceSession, Tensor } = globalThis.kinglet;
    const x = new Tensor('float32', [1, 2, 3], [1, 3]);
    const both = { a: x, b: x };
    const settled = async (model, options, feeds) => {
      const session = await InferenceSession.create(model, options);
      if (options.recorded) await session.startProfiling();
      const settled = await globalThis.settles(() => session.run(feeds));
      const events = options.recorded ? (await session.endProfiling()).length : 0;
      await session.release();
      return [settled, events > 400];
    };
    const times = new Tensor('int64', [2n], []);
    return [
      await settled('model.onnx', { worker: true }, both),
      await settled('tiny.onnx', { worker: true }, both),
      await settled('model.onnx', { memoryLimit: 1e8 }, both),
      await settled('tiny.onnx', { memoryLimit: 1e8 }, both),
      await settled('model.onnx', { enableProfiling: true }, both),
      await settled('tiny.onnx', { enableProfiling: true }, both),
      await settled('model.onnx', { recorded: true }, both),
      await settled('tiny.onnx', { recorded: true }, both),
      await settled('loop.onnx', {}, { times, x: new Tensor('float32', [1, 2], [2]) }),
    ];
  });
  const never = new Array(6).fill([false, false]);
  assert.deepEqual(outcome, [...never, [false, true], [false, true], [false, false]]);
});
