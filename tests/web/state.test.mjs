// Inputs that take what an output was in the run before, without leaving the engine.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tensor } from 'kinglet';
import { model, node } from './models.mjs';
import { fails, floats, inBothPlaces } from './sessions.mjs';

/** Two caches: x is added behind the one, its negative behind the other; `last` is x, doubled. */
const caches = model({
  inputs: { x: ['float32', 'N', 2], 'past.0': ['float32', 'P', 2], 'past.1': ['float32', 'P', 2] },
  outputs: { last: ['float32', 'N', 2], 'present.0': ['float32', 'T', 2], 'present.1': ['float32', 'T', 2] },
  nodes: [
    node('Add', 'x x', 'last'),
    node('Neg', 'x', 'minus'),
    node('Concat', 'past.0 x', 'present.0', { axis: 0 }),
    node('Concat', 'past.1 minus', 'present.1', { axis: 0 }),
  ],
});
const state = { 'past.*': 'present.*' };
const row = (value) => floats([1, 2], value);
const begin = () => ({ 'past.0': floats([0, 2]), 'past.1': floats([0, 2]) });
const rows = (values) => values.flatMap((value) => [value, value + 1]);

inBothPlaces((open, worker) => {
  test('a run goes on from the one before', async () => {
    const session = await open(caches, { state });
    const seen = [];
    for (let i = 0; i < 40; i++) {
      const results = await session.run({ x: row(i), ...(i === 0 && begin()) });
      assert.deepEqual(Object.keys(results), ['last']);
      assert.deepEqual([...results.last.data], [2 * i, 2 * i + 2]);
      seen.push(i);
      if (i % 13 > 0) continue;
      const asked = await session.run({ x: row(i + 0.5) }, ['present.0', 'present.1']);
      seen.push(i + 0.5);
      assert.deepEqual([...asked['present.0'].data], rows(seen));
      assert.deepEqual(
        [...asked['present.1'].data],
        rows(seen).map((value) => -value),
      );
    }
    await session.release();
  });

  test('feeding it begins anew; what was given out stays as it was', async () => {
    const session = await open(caches, { state });
    const all = ['present.0'];
    const first = await session.run({ x: row(1), ...begin() }, all);
    await session.run({ x: row(2) });
    const again = await session.run({ x: row(3), ...begin(), 'past.0': row(7) }, all);
    assert.deepEqual([...again['present.0'].data], rows([7, 3]));
    assert.deepEqual([...first['present.0'].data], rows([1]));
    await session.release();
  });

  test('runs that were asked for at once follow one another', async () => {
    const session = await open(caches, { state });
    const runs = [0, 1, 2, 3].map((i) => session.run({ x: row(i), ...(i === 0 && begin()) }, ['present.0']));
    const results = await Promise.all(runs);
    assert.deepEqual(
      results.map((r) => r['present.0'].dims[0]),
      [1, 2, 3, 4],
    );
    assert.deepEqual([...results[3]['present.0'].data], rows([0, 1, 2, 3]));
    await session.release();
  });

  test('says what is missing, and goes on after a failure', async () => {
    const session = await open(caches, { state });
    await fails(
      session.run({ x: row(0) }),
      'missing_input',
      /No run has given output 'present.0' for it yet/,
    );
    await session.run({ x: row(0), ...begin() });
    const text = new Tensor('string', ['a', 'b'], [1, 2]);
    await fails(session.run({ x: text }), 'invalid_input');
    const { 'present.0': present } = await session.run({ x: row(1) }, ['present.0']);
    assert.deepEqual([...present.data], rows([0, 1]));
    await session.release();
  });

  test('an abort that ended the engine took the state along', { skip: !worker }, async () => {
    const session = await open(caches, { state });
    await session.run({ x: row(0), ...begin() });
    const aborter = new AbortController();
    const aborted = session.run({ x: row(1) }, { signal: aborter.signal });
    aborter.abort();
    await assert.rejects(aborted, { name: 'AbortError' });
    await fails(session.run({ x: row(2) }), 'missing_input', /No run has given output/);
    const { last } = await session.run({ x: row(3), ...begin() });
    assert.deepEqual([...last.data], [6, 8]);
    await session.release();
  });

  test('a pair may be named, and others be fed as ever', async () => {
    const session = await open(caches, { state: { 'past.1': 'present.1' } });
    const first = await session.run({ x: row(1), ...begin() });
    assert.deepEqual(Object.keys(first), ['last', 'present.0']);
    const next = await session.run({ x: row(2), 'past.0': first['present.0'] }, ['present.0', 'present.1']);
    assert.deepEqual([...next['present.0'].data], rows([1, 2]));
    assert.deepEqual(
      [...next['present.1'].data],
      rows([1, 2]).map((value) => -value),
    );
    await fails(session.run({ x: row(2) }), 'missing_input');
    await session.release();
  });

  test('refuses names that the model does not have', async () => {
    const refused = (state, words) => fails(open(caches, { state }), 'invalid_argument', words);
    await refused({ past: 'present.0' }, /no input 'past'; it has 'x', 'past.0', 'past.1'/);
    await refused({ 'cache.*': 'present.*' }, /no input 'cache\.\*'/);
    await refused({ 'past.*': 'new.*' }, /no output 'new\.0'; it has 'last'/);
    await refused({ 'past.0': 'present.*' }, /no output 'present\.\*'/);
    for (const state of ['past.0', ['past.0'], null])
      await refused(state, /give outputs by the names of inputs/);
    await refused({ 'past.0': null }, /'past\.0' is to be the name of an output/);
  });

  test('memory does not grow while a state of one size goes round', async () => {
    const steady = model({
      inputs: { x: ['float32', 64, 64], s: ['float32', 64, 64] },
      outputs: { y: ['float32', 64, 64], t: ['float32', 64, 64] },
      nodes: [node('Add', 'x s', 't'), node('Neg', 't', 'y')],
    });
    const session = await open(steady, { state: { s: 't' } });
    const x = new Tensor('float32', new Float32Array(4096).fill(1), [64, 64]);
    await session.run({ x, s: floats([64, 64]) });
    for (let i = 0; i < 5; i++) await session.run({ x });
    const before = (await session.info()).liveBytes;
    for (let i = 0; i < 50; i++) await session.run({ x });
    const { liveBytes } = await session.info();
    assert.equal(liveBytes, before);
    const { y } = await session.run({ x });
    assert.equal(y.data[10], -(10 + 57));
    await session.release();
  });
});
