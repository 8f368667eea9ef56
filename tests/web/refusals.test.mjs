// Arguments and feeds that a run refuses; the session goes on.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tensor } from 'kinglet';
import ort from 'onnxruntime-node';
import { joinAndFlip } from './models.mjs';
import { fails, feeds, floats, inBothPlaces } from './sessions.mjs';

inBothPlaces((open) => {
  test('what is no argument is refused in the words of onnxruntime-common', async () => {
    const session = await open();
    const judge = await ort.InferenceSession.create(joinAndFlip);
    const given = feeds();
    const tensors = Object.fromEntries(
      Object.entries(given).map(([k, t]) => [k, new ort.Tensor(t.type, t.data, t.dims)]),
    );
    const calls = [
      (s) => s.run(),
      (s) => s.run([]),
      (s, f) => s.run(f.a),
      (s, f) => s.run(f, null),
      (s, f) => s.run(f, f.a),
      (s, f) => s.run(f, []),
      (s, f) => s.run(f, [1]),
      (s, f) => s.run(f, ['nothing']),
      (s, f) => s.run(f, 'joined'),
      (s, f) => s.run(f, ['joined'], 1),
      (s, f) => s.run({ a: f.a }),
    ];
    for (const call of calls) {
      const expected = await call(judge, tensors).catch((error) => error);
      await assert.rejects(call(session, given), (error) => {
        assert.equal(error.message, expected.message, `${call}`);
        for (const type of [TypeError, RangeError])
          assert.equal(error instanceof type, expected instanceof type);
        return true;
      });
    }
    await session.release();
  });

  test('feeds that do not fit', async () => {
    const session = await open();
    const { a, b } = feeds();
    await fails(session.run({ a }), 'missing_input', /^input 'b' is missing in 'feeds'\.$/);
    await fails(session.run({ a, b, c: a }), 'invalid_input', /invalid input 'c'/);
    await fails(
      session.run({ a, b: new Tensor('int32', [1, 2, 3], [1, 3]) }),
      'invalid_input',
      /OrtRun.*int32/,
    );
    await fails(session.run({ a, b: floats([1, 4]) }), 'invalid_input', /OrtRun/);
    await fails(session.run({ a, b: floats([3]) }), 'invalid_input');
    await fails(session.run({ a, b: 5 }), 'invalid_input');
    await fails(session.run({ a, b: [b] }), 'invalid_input');
    const { joined } = await session.run({ a, b });
    assert.equal(joined.data[8], 102, 'the session stays usable');
    await session.release();
  });

  test('an error says where it happened', async () => {
    const session = await open();
    const error = await session.run({ a: floats([2, 3]), b: floats([1, 4]) }).catch((e) => e);
    assert.equal(error.context.input, 'b');
    assert.equal(error.fixer, 'developer');
    assert.ok(error.detail.length > 0 && !error.detail.includes('OrtRun'));
    await session.release();
  });

  test('tensors of other makers are checked as ours are; the session goes on', async () => {
    const session = await open();
    const six = new Float32Array(6);
    const odd = [
      { dims: [1.5, 3] },
      { dims: [2 ** 60, 3] },
      { dims: [Number.NaN, 3] },
      { dims: [2n, 3n] },
      { dims: [-2, 3] },
      { dims: '23' },
      { dims: null },
      { dims: [3, 3] },
      { type: 'float33' },
      { type: '__proto__' },
      { type: null },
      { data: new Float64Array(6) },
      { data: new Uint8Array(24) },
      { data: new DataView(six.buffer) },
      { data: six.buffer },
      { data: null },
      { data: 'abcdef' },
    ];
    for (const part of odd) {
      const a = { type: 'float32', dims: [2, 3], data: six, ...part };
      await fails(session.run({ ...feeds(), a }), 'invalid_input', /input 'a' is no tensor: /);
    }
    const a = { type: 'float32', dims: [2, 3], data: [0, 1, 2, 3, 4, 5] };
    const { joined } = await session.run({ ...feeds(), a });
    assert.deepEqual(joined.data, (await session.run(feeds())).joined.data);
    await session.release();
  });

  test('a tensor whose array was transferred or shrunk is refused; the session goes on', async () => {
    const session = await open();
    const moved = floats([2, 3]);
    structuredClone(moved.data.buffer, { transfer: [moved.data.buffer] });
    await fails(session.run({ ...feeds(), a: moved }), 'invalid_input', /'a' has 0 of 6 entries left/);
    const buffer = new ArrayBuffer(24, { maxByteLength: 24 });
    const shrunk = new Tensor('float32', new Float32Array(buffer), [2, 3]);
    buffer.resize(8);
    await fails(session.run({ ...feeds(), a: shrunk }), 'invalid_input', /'a' has 2 of 6 entries left/);
    assert.deepEqual((await session.run(feeds())).joined.dims, [3, 3]);
    await session.release();
  });
});
