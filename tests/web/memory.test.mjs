// What a session takes, keeps and gives back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tensor } from 'kinglet';
import { model, node } from './models.mjs';
import { fails, feeds, floats, inBothPlaces } from './sessions.mjs';

inBothPlaces((open) => {
  test('keeps to its memory limit, and goes on after a run that asked for more', async () => {
    const expand = model({
      inputs: { x: ['float32', 1], shape: ['int64', 'R'] },
      outputs: { y: ['float32', ''] },
      nodes: [node('Expand', 'x shape', 'y')],
    });
    const session = await open(expand, { memoryLimit: 1_000_000 });
    const run = (extent) =>
      session.run({ x: floats([1], 7), shape: new Tensor('int64', [BigInt(extent)], [1]) });
    await fails(run(1_000_000), 'out_of_memory', /40000\d\d bytes asked for.* 1000000 allowed/);
    const { y } = await run(1000);
    assert.deepEqual([...y.data], new Array(1000).fill(7));
    await session.release();
    await fails(open(expand, { memoryLimit: 20 }), 'out_of_memory', / 20 allowed/);
    for (const memoryLimit of [0, -1, 1.5, '1000', Number.NaN])
      await fails(open(expand, { memoryLimit }), 'invalid_argument', /memoryLimit/);
  });

  test('large inputs and results take memory once, and are nobody else’s', async () => {
    const rows = 500_000;
    const session = await open(
      model({
        inputs: { a: ['float32', 'N'], b: ['float32', 'N'], n: ['int64', 1] },
        outputs: { a: ['float32', 'N'], sum: ['float32', 'N'], column: ['float32', ''] },
        nodes: [node('Add', 'a b', 'sum'), node('Reshape', 'a n', 'column')],
      }),
    );
    const n = new Tensor('int64', [BigInt(rows)], [1]);
    const a = floats([rows]);
    const first = await session.run({ a, b: a, n });
    assert.ok((await session.info()).heapBytes < 3 * 4 * rows + 2_000_000);
    const other = floats([rows], 1);
    // What is changed once run() was called is not seen.
    const running = session.run({ a: other, b: a, n });
    other.data.fill(-1);
    const second = await running;
    assert.deepEqual(first.a.data, a.data);
    assert.deepEqual(first.column.data, a.data);
    assert.deepEqual([...first.sum.data.slice(-2)], [2 * rows - 4, 2 * rows - 2]);
    assert.deepEqual([...second.sum.data.slice(-2)], [2 * rows - 3, 2 * rows - 1]);
    assert.equal(second.a.data[0], 1);
    await fails(session.run({ a, n }), 'missing_input', /'b'/);
    await fails(session.run({ a, b: floats([rows - 1]), n }), 'invalid_shape');
    const again = await session.run({ a, b: a, n }, ['sum']);
    assert.deepEqual(again.sum.data, first.sum.data);
    await session.release();
  });

  test('a released session says so', async () => {
    const session = await open();
    const late = session.run(feeds()).catch((error) => error);
    await session.release();
    await session.release();
    await fails(session.run(feeds()), 'session_released');
    await fails(session.run({}), 'session_released');
    await fails(session.info(), 'session_released');
    const outcome = await late;
    assert.ok(outcome.joined || outcome.code === 'session_released');
  });

  test('memory does not grow with the number of runs', async () => {
    const session = await open();
    const big = { a: floats([1000, 3]), b: floats([1000, 3]) };
    for (let i = 0; i < 3; i++) await session.run(big);
    const before = await session.info();
    for (let i = 0; i < 200; i++) await session.run(big);
    const after = await session.info();
    assert.equal(after.liveBytes, before.liveBytes);
    assert.equal(after.heapBytes, before.heapBytes);
    await session.release();
  });
});
