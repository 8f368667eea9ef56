// The package as plain files in Chromium: pages with and without cross-origin isolation, and with strict policies.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { joinAndFlip, padded, products, transposes } from '../../web/models.mjs';
import { launch, openPage, serve } from './chromium.mjs';

const root = new URL('../../../', import.meta.url);
const folder = (path) => fileURLToPath(new URL(path, root));
const page = `<!doctype html><link rel="icon" href="data:,"><script type="module" src="page.js"></script>`;
const script = `
  import * as kinglet from './kinglet/index.js';
  globalThis.kinglet = kinglet;
`;
const judgeScript = `
  import * as kinglet from './kinglet/index.js';
  import * as judge from './judge/index.js';
  globalThis.judge = judge;
  globalThis.kinglet = kinglet;
`;

const productSize = 300;

let browser;
let site;

before(async () => {
  browser = await launch();
  site = await serve({
    mounts: { 'kinglet/': folder('dist/'), 'judge/': folder('node_modules/onnxruntime-common/dist/esm/') },
    files: {
      'index.html': page,
      'page.js': script,
      'judge.html': page.replace('page.js', 'judge.js'),
      'judge.js': judgeScript,
      'model.onnx': padded(joinAndFlip),
      'tiny.onnx': joinAndFlip,
      'long.onnx': transposes(1000),
      'products.onnx': products(productSize),
    },
  });
});
after(async () => {
  await browser.close();
  await site.close();
});

/** Runs in the page: opens the model, runs it, gives what came. */
async function runModel({ model = 'model.onnx', ...options } = {}) {
  const { InferenceSession, Tensor } = globalThis.kinglet;
  const session = await InferenceSession.create(model, options);
  const a = new Tensor('float32', [1, 2, 3], [1, 3]);
  const { joined } = await session.run({ a, b: a });
  const { variant } = await session.info();
  globalThis.session = session;
  return { data: [...joined.data], variant, kept: a.data.length };
}

const expected = [1, 2, 3, 1, 2, 3];

for (const kind of ['plain', 'isolated', 'strict']) {
  describe(`a ${kind} page`, () => {
    test('runs a model in a worker, which release() ends', async () => {
      const page = await openPage(browser, `${site.url}${kind}/index.html`);
      const { data, variant, kept } = await page.evaluate(runModel);
      assert.deepEqual(data, expected);
      assert.equal(variant, kind === 'isolated' ? 'relaxed-threads' : 'relaxed');
      assert.equal(kept, 3);
      assert.equal(page.workers().length, 1);
      const isolated = await page.evaluate(() => globalThis.crossOriginIsolated);
      assert.equal(isolated, kind === 'isolated');
      await page.evaluate(() => globalThis.session.release());
      await page.waitForTimeout(50);
      assert.equal(page.workers().length, 0);
      assert.deepEqual([...page.problems, ...page.warnings], []);
      await page.close();
    });

    test('runs a tiny model without a worker, unless one is asked for', async () => {
      const page = await openPage(browser, `${site.url}${kind}/index.html`);
      for (const worker of [undefined, true]) {
        const { data, variant } = await page.evaluate(runModel, { model: 'tiny.onnx', worker });
        assert.deepEqual(data, expected);
        assert.equal(variant, kind === 'isolated' ? 'relaxed-threads' : 'relaxed');
        assert.equal(page.workers().length, worker ? 1 : 0);
        await page.evaluate(() => globalThis.session.release());
      }
      assert.deepEqual([...page.problems, ...page.warnings], []);
      await page.close();
    });

    test('runs a model in its own thread on request, and in the plain build', async () => {
      const page = await openPage(browser, `${site.url}${kind}/index.html`);
      await page.evaluate(() => {
        globalThis.kinglet.env.wasm.simd = 'fixed';
      });
      const { data, variant } = await page.evaluate(runModel, { worker: false });
      assert.deepEqual(data, expected);
      assert.equal(variant, 'simd');
      assert.equal(page.workers().length, 0);
      assert.deepEqual(page.problems, []);
      await page.close();
    });

    test('an abort ends a run; the next one runs in a new worker', async () => {
      const page = await openPage(browser, `${site.url}${kind}/index.html`);
      const outcome = await page.evaluate(async () => {
        const { InferenceSession, Tensor } = globalThis.kinglet;
        const session = await InferenceSession.create('long.onnx', { graphOptimizationLevel: 'disabled' });
        const matrix = (n) => new Tensor('float32', new Float32Array(n * n).fill(n), [n, n]);
        const error = await session
          .run({ x0: matrix(2000) }, { signal: AbortSignal.timeout(50) })
          .catch((e) => e);
        const { x1000 } = await session.run({ x0: matrix(2) });
        await session.release();
        return { name: error.name, data: [...x1000.data] };
      });
      assert.deepEqual(outcome, { name: 'TimeoutError', data: [2, 2, 2, 2] });
      await page.close();
    });
  });
}

test('in an isolated page long runs are shared by threads, with the same bits', async () => {
  const page = await openPage(browser, `${site.url}isolated/index.html`);
  const { alone, shared } = await page.evaluate(async (size) => {
    const { InferenceSession, Tensor, env } = globalThis.kinglet;
    const fill = (seed) => Float32Array.from({ length: size * size }, (_, i) => Math.sin(i * seed));
    const feeds = Object.fromEntries(
      ['x', 'w'].map((name, i) => [name, new Tensor('float32', fill(i + 1), [size, size])]),
    );
    const results = async (threads) => {
      env.wasm.numThreads = threads;
      const session = await InferenceSession.create('products.onnx');
      const all = [];
      for (let i = 0; i < 6; i++) {
        all.push([...(await session.run(feeds)).y.data.subarray(0, 1000)]);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      const events = (await session.info()).variant;
      if (threads > 1) globalThis.session = session;
      return { all, events };
    };
    return { alone: await results(1), shared: await results(3) };
  }, productSize);
  assert.deepEqual([alone.events, shared.events], ['relaxed', 'relaxed-threads']);
  for (const data of shared.all) assert.deepEqual(data, alone.all[0]);
  // The session's worker and its two helpers.
  const helpers = page.workers().length;
  await page.evaluate(() => globalThis.session.release());
  await page.waitForTimeout(100);
  assert.ok(helpers > page.workers().length);
  assert.deepEqual(page.problems, []);
  await page.close();
});

test('sessions created at once have a worker each and one engine file', async () => {
  const page = await openPage(browser, `${site.url}plain/index.html`);
  const fetched = [];
  page.on('request', (request) => fetched.push(new URL(request.url()).pathname));
  const lengths = await page.evaluate(async () => {
    const { InferenceSession, Tensor } = globalThis.kinglet;
    const sessions = await Promise.all([1, 2, 3].map(() => InferenceSession.create('model.onnx')));
    const results = await Promise.all(
      sessions.map((session, i) => {
        const a = new Tensor('float32', new Float32Array(3 * (i + 1)), [i + 1, 3]);
        return session.run({ a, b: a });
      }),
    );
    globalThis.sessions = sessions;
    return results.map(({ joined }) => joined.dims[0]);
  });
  assert.deepEqual(lengths, [2, 4, 6]);
  assert.equal(page.workers().length, 3);
  assert.equal(fetched.filter((path) => path.endsWith('.wasm')).length, 1);
  await page.close();
});

test('a session takes two scripts, the engine and the model, each fetched once', async () => {
  const page = await browser.newPage();
  const fetched = [];
  page.on('request', (request) => fetched.push(new URL(request.url()).pathname.replace('/plain/', '')));
  await page.goto(`${site.url}plain/index.html`);
  await page.waitForFunction(() => globalThis.kinglet !== undefined);
  assert.deepEqual((await page.evaluate(runModel)).data, expected);
  const own = ['kinglet/index.js', 'kinglet/kinglet-relaxed.wasm', 'kinglet/worker.js', 'model.onnx'];
  assert.deepEqual(fetched.sort(), ['index.html', ...own, 'page.js'].sort());
  await page.close();
});

test('where workers are forbidden the model runs in the page, with a warning', async () => {
  const page = await openPage(browser, `${site.url}workerless/index.html`);
  assert.deepEqual((await page.evaluate(runModel)).data, expected);
  assert.match(page.warnings.join(), /the worker did not start/);
  const warnings = page.warnings.length;
  assert.deepEqual((await page.evaluate(runModel, { model: 'tiny.onnx' })).data, expected);
  assert.equal(page.warnings.length, warnings);
  const error = await page.evaluate(() =>
    globalThis.kinglet.InferenceSession.create('model.onnx', { worker: true }).catch((e) => e.code),
  );
  assert.equal(error, 'load_failed');
  await page.close();
});

test('where WebAssembly is forbidden the error names the missing keyword', async () => {
  const page = await openPage(browser, `${site.url}wasmless/index.html`);
  const { code, hint } = await page.evaluate(() =>
    globalThis.kinglet.InferenceSession.create('model.onnx').catch(({ code, context }) => ({
      code,
      hint: context.hint,
    })),
  );
  assert.equal(code, 'load_failed');
  assert.match(hint, /wasm-unsafe-eval/);
  await page.close();
});

test('errors keep their code and context across the worker', async () => {
  const page = await openPage(browser, `${site.url}plain/index.html`);
  const errors = await page.evaluate(async () => {
    const { InferenceSession, KingletError, Tensor } = globalThis.kinglet;
    const of = (error) => [
      error instanceof KingletError,
      error.code,
      error.context.input ?? error.context.url ?? '',
    ];
    const session = await InferenceSession.create('model.onnx');
    const a = new Tensor('float32', [1, 2, 3], [1, 3]);
    return [
      of(await InferenceSession.create('missing.onnx').catch((e) => e)),
      of(await InferenceSession.create('index.html').catch((e) => e)),
      of(await InferenceSession.create(new Uint8Array(9)).catch((e) => e)),
      of(await session.run({ a, b: new Tensor('int32', [1, 2, 3], [1, 3]) }).catch((e) => e)),
    ];
  });
  assert.deepEqual(errors, [
    [true, 'fetch_failed', `${site.url}plain/missing.onnx`],
    [true, 'fetch_failed', ''],
    [true, 'invalid_model', ''],
    [true, 'invalid_input', 'b'],
  ]);
  await page.close();
});

test('pictures: from ImageData, canvas, bitmap and URL, and back, as onnxruntime-common does it', async () => {
  const page = await openPage(browser, `${site.url}plain/judge.html`);
  const differences = await page.evaluate(async () => {
    const width = 4;
    const height = 3;
    const pixels = Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) =>
      i % 4 === 3 ? 255 : (i * 29) % 256,
    );
    const image = new ImageData(pixels, width, height);
    const canvas = document.createElement('canvas');
    canvas.width = width;
    canvas.height = height;
    canvas.getContext('2d').putImageData(image, 0, 0);
    const bitmap = await createImageBitmap(image);
    const url = canvas.toDataURL();
    const { Tensor: Ours } = globalThis.kinglet;
    const { Tensor: Judge } = globalThis.judge;
    const found = [];
    const same = (name, ours, theirs) => {
      const text = (t) => JSON.stringify([t.type, t.dims, [...t.data]]);
      if (text(ours) !== text(theirs)) found.push(`${name}: ${text(ours)} is not ${text(theirs)}`);
    };
    const norms = [undefined, { mean: 128, bias: -3 }, { mean: [1, 2, 3], bias: [4, 5, 6] }];
    for (const tensorFormat of ['RGB', 'RGBA', 'BGR', 'RBG']) {
      for (const norm of norms) {
        const options = { tensorFormat, ...(norm && { norm }) };
        const name = JSON.stringify(options);
        same(
          `ImageData ${name}`,
          await Ours.fromImage(image, options),
          await Judge.fromImage(image, { ...options }),
        );
        same(
          `bitmap ${name}`,
          await Ours.fromImage(bitmap, options),
          await Judge.fromImage(bitmap, { ...options }),
        );
        same(`URL ${name}`, await Ours.fromImage(url, options), await Judge.fromImage(url, { ...options }));
        same(
          `canvas ${name}`,
          await Ours.fromImage(canvas, options),
          await Judge.fromImage(image, { ...options }),
        );
      }
    }
    // The judge turns a tensor into pixels for these two formats as its documents say.
    for (const format of ['RGB', 'RGBA']) {
      const ours = await Ours.fromImage(image, { tensorFormat: format });
      const theirs = await Judge.fromImage(image, { tensorFormat: format });
      const a = ours.toImageData({ format });
      const b = theirs.toImageData({ format });
      if (`${a.data}` !== `${b.data}` || a.width !== b.width)
        found.push(`toImageData ${format}: ${a.data} is not ${b.data}`);
      if (`${a.data}` !== `${pixels}`) found.push(`toImageData ${format} does not give the picture back`);
      if (ours.toDataURL({ format }) !== theirs.toDataURL({ format })) found.push(`toDataURL ${format}`);
    }
    const nhwc = await Ours.fromImage(image, { tensorLayout: 'NHWC', tensorFormat: 'BGR' });
    const back = nhwc.toImageData({ tensorLayout: 'NHWC', format: 'BGR' });
    if (`${back.data}` !== `${pixels}`) found.push('NHWC BGR does not give the picture back');
    const { dims } = await Ours.fromImage(image, { resizedWidth: 8, resizedHeight: 2 });
    if (`${dims}` !== '1,3,2,8') found.push(`resized to ${dims}`);
    return found;
  });
  assert.deepEqual(differences, []);
  await page.close();
});
