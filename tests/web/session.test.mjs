// Values into a session and out of it, in this thread and in a worker.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import kinglet, { env, InferenceSession, Tensor } from 'kinglet';
import ort from 'onnxruntime-node';
import { mismatch } from '../support/compare.mjs';
import { identity, joinAndFlip } from './models.mjs';
import { fails, feeds, floats, inBothPlaces } from './sessions.mjs';

inBothPlaces((open) => {
  test('gives what onnxruntime-node gives', async () => {
    const session = await open();
    const judge = await ort.InferenceSession.create(joinAndFlip);
    const given = feeds();
    const results = await session.run(given);
    const expected = await judge.run(
      Object.fromEntries(Object.entries(given).map(([k, t]) => [k, new ort.Tensor(t.type, t.data, t.dims)])),
    );
    assert.deepEqual(Object.keys(results), ['joined', 'flipped']);
    for (const name of Object.keys(expected))
      assert.equal(mismatch(results[name], expected[name]), undefined);
    await session.release();
  });

  test('describes inputs and outputs as onnxruntime-node does', async () => {
    const session = await open();
    const judge = await ort.InferenceSession.create(joinAndFlip);
    for (const key of ['inputNames', 'outputNames', 'inputMetadata', 'outputMetadata']) {
      assert.deepEqual(session[key], judge[key], key);
    }
    await session.release();
  });

  test("runs one after the other have their own values, and leave the caller's tensors alone", async () => {
    const session = await open(identity('float32'));
    const x = floats([2, 2], 1);
    const seen = [];
    for (const first of [1, 5, 9]) {
      x.data[0] = first;
      seen.push((await session.run({ x })).y);
      const other = floats([1, 2], -first);
      assert.deepEqual([...(await session.run({ x: other })).y.data], [-first, 1 - first]);
    }
    assert.deepEqual(
      seen.map(({ data }) => [...data]),
      [1, 5, 9].map((first) => [first, 2, 3, 4]),
    );
    assert.deepEqual([...x.data], [9, 2, 3, 4]);
    await session.release();
  });

  const bytes = (n) => Uint8Array.from({ length: n }, (_, i) => i * 7 + 1);
  const arrays = {
    float32: Float32Array.of(1.5, -0, Infinity, NaN),
    float64: Float64Array.of(1.5, 2 ** 60, -1, 1e-300),
    int8: Int8Array.of(-128, 127, 0, 1),
    uint8: bytes(4),
    int16: Int16Array.of(-32768, 32767, 0, 1),
    uint16: Uint16Array.of(65535, 1, 2, 3),
    int32: Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 0, 1),
    uint32: Uint32Array.of(2 ** 32 - 1, 1, 2, 3),
    int64: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, 0n, 1n),
    uint64: BigUint64Array.of(2n ** 64n - 1n, 1n, 2n, 3n),
    bool: Uint8Array.of(1, 0, 0, 1),
    string: ['', 'naïve', '你好', '\ufeff🎶\0'],
    float16: Uint16Array.of(0x3c00, 0x8000, 0x7c00, 0x0001),
    bfloat16: Uint16Array.of(0x3f80, 0x8000, 0x7f80, 0x0001),
    float8e4m3fn: bytes(4),
    float8e5m2: bytes(4),
    int4: bytes(2),
    uint4: bytes(2),
  };
  for (const [type, data] of Object.entries(arrays)) {
    test(`${type} passes through unchanged`, async () => {
      const session = await open(identity(type));
      const { y } = await session.run({ x: new Tensor(type, data, [2, 2]) });
      assert.equal(y.type, type);
      assert.deepEqual(y.dims, [2, 2]);
      const bits = (array) =>
        Array.isArray(array) ? array : [...new Uint8Array(array.buffer, array.byteOffset, array.byteLength)];
      assert.deepEqual(bits(y.data), bits(data));
      assert.notEqual(y.data, data);
      await session.release();
    });
  }

  test('tensors of all sizes pass through, in arrays of their own and in parts of others', async () => {
    const session = await open(identity('float32'));
    for (const rows of [1, 8, 9, 511, 512, 513, 2049, 150_000]) {
      const all = Float32Array.from({ length: 2 * rows + 3 }, (_, i) => i - 0.5);
      for (const data of [all.slice(3), all.subarray(3)]) {
        const { y } = await session.run({ x: new Tensor('float32', data, [rows, 2]) });
        assert.deepEqual(y.data, data);
        assert.equal(y.data.byteLength, y.data.buffer.byteLength);
      }
    }
    await session.release();
    const bytesSession = await open(identity('uint8'));
    const x = new Tensor('uint8', Buffer.from([1, 2, 3, 4]), [2, 2]);
    assert.deepEqual([...(await bytesSession.run({ x })).y.data], [1, 2, 3, 4]);
    // The slice() of a Buffer shares its memory: the caller's must neither move away nor be read late.
    const buffer = Buffer.from(Uint8Array.of(5, 6, 7, 8).buffer);
    const runs = [1, 2].map(() => bytesSession.run({ x: new Tensor('uint8', buffer, [2, 2]) }));
    buffer[0] = 99;
    for (const { y } of await Promise.all(runs)) assert.deepEqual([...y.data], [5, 6, 7, 8]);
    assert.deepEqual([...buffer], [99, 6, 7, 8]);
    await bytesSession.release();
  });

  test('a result that is fed to the next run grows from run to run, and stays as it was', async () => {
    const session = await open();
    let joined = floats([200_000, 3]);
    const kept = [];
    for (let run = 0; run < 12; run++) {
      kept.push(joined);
      // Within the room that a buffer for the run before may have, and beyond it.
      const rows = run % 5 === 4 ? 30_000 : 1;
      const before = joined.data.length;
      ({ joined } = await session.run({ a: joined, b: floats([rows, 3], before) }));
      assert.equal(joined.data.byteLength, joined.data.buffer.byteLength);
    }
    for (const { dims, data } of [...kept, joined]) {
      assert.equal(data.length, 3 * dims[0]);
      assert.ok(data.every((value, i) => value === i));
    }
    await session.release();
  });

  test('an empty tensor passes through', async () => {
    const session = await open(identity('float32'));
    const { y } = await session.run({ x: new Tensor('float32', new Float32Array(0), [0, 2]) });
    assert.deepEqual([y.dims, y.data.length], [[0, 2], 0]);
    await session.release();
  });

  test('inputs stay usable, and may be changed as soon as run was called', async () => {
    const session = await open();
    const { a, b } = feeds();
    const runs = [session.run({ a, b })];
    a.data.fill(-1);
    runs.push(session.run({ a, b }));
    a.data.fill(-2);
    const [first, second] = await Promise.all(runs);
    assert.deepEqual([...first.joined.data.slice(0, 3)], [0, 1, 2]);
    assert.deepEqual([...second.joined.data.slice(0, 3)], [-1, -1, -1]);
    assert.equal(a.data.length, 6);
    await session.release();
  });

  test('fetches: names, pre-allocated tensors, options in their place', async () => {
    const session = await open();
    assert.deepEqual(Object.keys(await session.run(feeds(), ['flipped'])), ['flipped']);
    assert.deepEqual(Object.keys(await session.run(feeds(), { flipped: null })), ['flipped']);
    assert.deepEqual(Object.keys(await session.run(feeds(), { tag: 'x' })), ['joined', 'flipped']);
    const target = new Tensor('float32', new Float32Array(9), [3, 3]);
    const { joined } = await session.run(feeds(), { joined: target }, {});
    assert.equal(joined, target);
    assert.equal(target.data[8], 102);
    const wrong = new Tensor('float32', new Float32Array(9), [9]);
    await fails(session.run(feeds(), { joined: wrong }), 'invalid_input', /'joined' has dimensions \[9\]/);
    await session.release();
  });

  test('a dimension can be fixed', async () => {
    const session = await open(joinAndFlip, { freeDimensionOverrides: { N: 4 } });
    assert.deepEqual(session.inputMetadata[0].shape, [4, 3]);
    await fails(session.run(feeds()), 'invalid_input');
    await session.release();
  });

  test('sessions at once do not meet', async () => {
    const sessions = await Promise.all(Array.from({ length: 4 }, () => open()));
    const results = await Promise.all(
      sessions.map((session, i) => session.run({ a: floats([i, 3], i), b: floats([1, 3], -i) })),
    );
    for (const [i, { joined }] of results.entries()) assert.deepEqual(joined.dims, [i + 1, 3]);
    for (const session of sessions) await session.release();
  });

  test('info and profile', async () => {
    const session = await open();
    await session.startProfiling();
    await session.run(feeds());
    const events = await session.endProfiling();
    assert.ok(
      events.some(({ args }) => args.op === 'Concat'),
      JSON.stringify(events),
    );
    await session.run(feeds());
    await session.startProfiling();
    assert.deepEqual(await session.endProfiling(), []);
    const info = await session.info();
    assert.equal(info.variant, 'simd');
    assert.match(info.text, /Concat/);
    assert.ok(info.heapBytes >= info.liveBytes && info.liveBytes > 0);
    await session.release();
  });
});

test('the version is the package’s', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url)));
  assert.equal(env.versions.kinglet, version);
});

test('the default export is the same as the named ones', () => {
  assert.deepEqual([kinglet.InferenceSession, kinglet.Tensor, kinglet.env], [InferenceSession, Tensor, env]);
});
