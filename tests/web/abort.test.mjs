// Runs that are ended while the engine computes, and engines that stop.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { env, InferenceSession, Tensor } from 'kinglet';
import { model, node, transposes } from './models.mjs';

env.wasm.simd = 'fixed';
env.wasm.numThreads = 1;
const times = 1000;
const long = transposes(times);
const matrix = (n) =>
  new Tensor(
    'float32',
    Float32Array.from({ length: n * n }, (_, i) => i % 1000),
    [n, n],
  );
// As it is: the passes would see that two transposes undo each other.
const open = () => InferenceSession.create(long, { worker: true, graphOptimizationLevel: 'disabled' });
const output = `x${times}`;

test('an aborted run ends at once, and the session runs the next', async () => {
  const session = await open();
  const controller = new AbortController();
  // Half a minute of work.
  const aborted = session.run({ x0: matrix(2000) }, { signal: controller.signal });
  const queued = session.run({ x0: matrix(2) });
  let abortedAt = 0;
  setTimeout(() => {
    abortedAt = performance.now();
    controller.abort();
  }, 50);
  await assert.rejects(aborted, { name: 'AbortError' });
  const took = performance.now() - abortedAt;
  assert.ok(took < 1000, `the abort took ${took} ms`);
  assert.deepEqual([...(await queued)[output].data], [0, 1, 2, 3]);
  assert.deepEqual([...(await session.run({ x0: matrix(2) }))[output].data], [0, 1, 2, 3]);
  await session.release();
});

test('a queued run leaves the queue; the running one goes on', async () => {
  const session = await open();
  const first = session.run({ x0: matrix(100) });
  const controller = new AbortController();
  const second = session.run({ x0: matrix(3) }, { signal: controller.signal });
  const reason = new Error('not needed');
  controller.abort(reason);
  await assert.rejects(second, reason);
  assert.equal((await first)[output].data.length, 10000);
  await session.release();
});

test('a deadline ends a run with a TimeoutError', async () => {
  const session = await open();
  const signal = AbortSignal.timeout(30);
  await assert.rejects(session.run({ x0: matrix(2000) }, { signal }), { name: 'TimeoutError' });
  await session.release();
});

test('release ends a run', async () => {
  const session = await open();
  const run = session.run({ x0: matrix(2000) });
  setTimeout(() => session.release(), 30);
  await assert.rejects(run, { code: 'session_released' });
});

test('a run that does not get its memory is an error, and the session stays usable', async () => {
  const expand = model({
    inputs: { x: ['float32', 1], shape: ['int64', 2] },
    outputs: { y: ['float32', '', ''] },
    nodes: [node('Expand', 'x shape', 'y')],
  });
  for (const worker of [false, true]) {
    const session = await InferenceSession.create(expand, { worker });
    const to = (n) => ({ x: new Tensor('float32', [7]), shape: new Tensor('int64', [n, n]) });
    // 3.9 GB: more than there is room for beside the rest; 14 GB: more than an address can reach.
    await assert.rejects(session.run(to(31000)), { code: 'out_of_memory' });
    await assert.rejects(session.run(to(60000)), { code: 'limit_exceeded' });
    assert.deepEqual([...(await session.run(to(2))).y.data], [7, 7, 7, 7]);
    await session.release();
  }
});
