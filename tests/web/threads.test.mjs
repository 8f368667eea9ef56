// Sessions whose runs are shared by several threads.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, test } from 'node:test';
import { env, InferenceSession, Tensor } from 'kinglet';
import { products, transposes } from './models.mjs';

env.wasm.simd = 'fixed';
after(() => {
  env.wasm.numThreads = 0;
});

const size = 500;
const long = products('N');
const square = (seed, n) => {
  const values = Float32Array.from({ length: n * n }, (_, i) => Math.sin(i * seed));
  return new Tensor('float32', values, [n, n]);
};
const feeds = { x: square(1, size), w: square(2, size) };
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Runs until as many threads took part; what the last run gave. */
async function runOn(threads, session, fed) {
  for (let i = 0; i < 500; i++) {
    await session.startProfiling();
    const { y } = await session.run(fed);
    const steps = await session.endProfiling();
    if (steps.every(({ args }) => args.threads === threads)) return y.data;
    await pause();
  }
  throw new Error(`there are not ${threads} threads`);
}

async function open(threads, options) {
  env.wasm.numThreads = threads;
  return InferenceSession.create(long, options);
}

test('any number of threads gives the same bits', async () => {
  const alone = await open(1);
  const expected = (await alone.run(feeds)).y.data;
  await alone.release();
  for (const worker of [false, true]) {
    for (const threads of [2, 3, 4]) {
      const session = await open(threads, { worker });
      assert.deepEqual((await session.run(feeds)).y.data, expected);
      assert.deepEqual(await runOn(threads, session, feeds), expected);
      await session.release();
    }
  }
});

test('small runs happen on one thread, also beside long ones that are shared', async () => {
  const small = { x: square(1, 20), w: square(2, 20) };
  const session = await open(2);
  await runOn(1, session, small);
  await runOn(2, session, feeds);
  await runOn(1, session, small);
  await runOn(2, session, feeds);
  await session.release();
});

test('one thread takes the build without them', async () => {
  for (const [threads, variant] of [
    [1, 'simd'],
    [2, 'simd-threads'],
  ]) {
    const session = await open(threads);
    assert.equal((await session.info()).variant, variant);
    await session.release();
  }
});

test('intraOpNumThreads is for one session', async () => {
  env.wasm.numThreads = 1;
  const session = await InferenceSession.create(long, { intraOpNumThreads: 2 });
  assert.equal((await session.info()).variant, 'simd-threads');
  await session.release();
});

test('an abort reaches a run through the memory that threads share, and the session goes on', async () => {
  env.wasm.numThreads = 2;
  const times = 400;
  const session = await InferenceSession.create(transposes(times), {
    worker: true,
    graphOptimizationLevel: 'disabled',
  });
  const ones = (n) => ({ x0: new Tensor('float32', new Float32Array(n * n).fill(1), [n, n]) });
  await session.run(ones(2));
  const { heapBytes } = await session.info();
  const controller = new AbortController();
  const run = session.run(ones(2000), { signal: controller.signal });
  setTimeout(() => controller.abort(), 30);
  await assert.rejects(run, { name: 'AbortError' });
  assert.equal((await session.run(ones(2)))[`x${times}`].data[3], 1);
  // The same engine: one that was started again would have the memory of the beginning.
  assert.ok((await session.info()).heapBytes > heapBytes);
  await session.release();
});

test('helpers do not keep a program alive', () => {
  const script = `
    import { env, InferenceSession, Tensor } from 'kinglet';
    env.wasm.simd = 'fixed';
    env.wasm.numThreads = 3;
    const bytes = Uint8Array.from(${JSON.stringify([...long])});
    const data = new Float32Array(${size * size}).fill(0.5);
    for (const worker of [false, true]) {
      const session = await InferenceSession.create(bytes, { worker });
      const t = new Tensor('float32', data, [${size}, ${size}]);
      for (let i = 0; i < 12; i++) { await session.run({ x: t, w: t }); await new Promise((r) => setTimeout(r, 20)); }
    }
    console.log('done');`;
  const { stdout, stderr, status, signal } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', script],
    {
      encoding: 'utf8',
      timeout: 20_000,
    },
  );
  assert.deepEqual([stdout, stderr, status, signal], ['done\n', '', 0, null]);
});
