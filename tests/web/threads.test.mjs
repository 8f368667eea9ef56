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

const size = 300;
const values = (seed) => Float32Array.from({ length: size * size }, (_, i) => Math.sin(i * seed));
const long = products(size);
const feeds = {
  x: new Tensor('float32', values(1), [size, size]),
  w: new Tensor('float32', values(2), [size, size]),
};
const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

async function results(threads, worker) {
  env.wasm.numThreads = threads;
  const session = await InferenceSession.create(long, { worker });
  const all = [];
  for (let i = 0; i < 8; i++) {
    all.push((await session.run(feeds)).y.data);
    await pause();
  }
  const { variant } = await session.info();
  await session.release();
  return { all, variant };
}

test('any number of threads gives the same bits', async () => {
  const [expected] = (await results(1, false)).all;
  for (const worker of [false, true])
    for (const threads of [2, 3, 4])
      for (const data of (await results(threads, worker)).all) assert.deepEqual(data, expected);
});

test('one thread takes the build without them', async () => {
  assert.equal((await results(1, false)).variant, 'simd');
  assert.equal((await results(2, false)).variant, 'simd-threads');
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
  const square = (n) => ({ x0: new Tensor('float32', new Float32Array(n * n).fill(1), [n, n]) });
  await session.run(square(2));
  const { heapBytes } = await session.info();
  const controller = new AbortController();
  const run = session.run(square(2000), { signal: controller.signal });
  setTimeout(() => controller.abort(), 30);
  await assert.rejects(run, { name: 'AbortError' });
  assert.equal((await session.run(square(2)))[`x${times}`].data[3], 1);
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
      for (let i = 0; i < 4; i++) { await session.run({ x: t, w: t }); await new Promise((r) => setTimeout(r, 20)); }
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
