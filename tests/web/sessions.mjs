// What the tests of sessions share: sessions in this thread and in a worker, tensors, and failures.
import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { env, InferenceSession, KingletError, Tensor } from 'kinglet';
import { joinAndFlip } from './models.mjs';

env.wasm.simd = 'fixed';
env.wasm.numThreads = 1;

/** Calls `tests(open, worker)` once for each place of a session; `open` takes a model and options. */
export function inBothPlaces(tests) {
  for (const worker of [false, true]) {
    describe(worker ? 'a session in a worker' : 'a session in this thread', () =>
      tests(
        (source = joinAndFlip, options = {}) => InferenceSession.create(source, { worker, ...options }),
        worker,
      ),
    );
  }
}

export const floats = (dims, start = 0) => {
  const size = dims.reduce((a, b) => a * b, 1);
  return new Tensor(
    'float32',
    Float32Array.from({ length: size }, (_, i) => start + i),
    dims,
  );
};

/** Inputs of joinAndFlip. */
export const feeds = () => ({ a: floats([2, 3]), b: floats([1, 3], 100) });

/** Checks that `promise` fails with a KingletError of that code (or one that matches) whose message matches. */
export async function fails(promise, code, words) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof KingletError, `${error}`);
    if (code instanceof RegExp) assert.match(error.code, code, error.message);
    else assert.equal(error.code, code, error.message);
    if (words) assert.match(error.message, words);
    return true;
  });
}
