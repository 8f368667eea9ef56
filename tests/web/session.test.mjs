// Sessions in this thread and in a worker: values in, values out, and what goes wrong.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import kinglet, { env, InferenceSession, KingletError, Tensor } from 'kinglet';
import ort from 'onnxruntime-node';
import { mismatch } from '../support/compare.mjs';
import { identity, joinAndFlip, model, node } from './models.mjs';

env.wasm.simd = 'fixed';
env.wasm.numThreads = 1;
const folder = mkdtempSync(join(tmpdir(), 'kinglet-'));
after(() => rmSync(folder, { recursive: true }));

const floats = (dims, start = 0) => {
  const size = dims.reduce((a, b) => a * b, 1);
  return new Tensor(
    'float32',
    Float32Array.from({ length: size }, (_, i) => start + i),
    dims,
  );
};
const feeds = () => ({ a: floats([2, 3]), b: floats([1, 3], 100) });

/** Checks that `promise` fails with a KingletError of that code whose message matches. */
async function fails(promise, code, words) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof KingletError, `${error}`);
    assert.equal(error.code, code, error.message);
    if (words) assert.match(error.message, words);
    return true;
  });
}

const cut = (bytes, length) => bytes.slice(0, length);

for (const worker of [false, true]) {
  describe(worker ? 'a session in a worker' : 'a session in this thread', () => {
    const open = (source = joinAndFlip, options = {}) =>
      InferenceSession.create(source, { worker, ...options });

    test('keeps to its memory limit, and goes on after a run that asked for more', async () => {
      const expand = model({
        inputs: { x: ['float32', 1], shape: ['int64', 'R'] },
        outputs: { y: ['float32', ''] },
        nodes: [node('Expand', 'x shape', 'y')],
      });
      const session = await open(expand, { memoryLimit: 1_000_000 });
      const run = (extent) =>
        session.run({ x: floats([1], 7), shape: new Tensor('int64', [BigInt(extent)], [1]) });
      await fails(run(1_000_000), 'out_of_memory', /4000000 bytes asked for.* 1000000 allowed/);
      const { y } = await run(1000);
      assert.deepEqual([...y.data], new Array(1000).fill(7));
      await session.release();
      await fails(open(expand, { memoryLimit: 20 }), 'out_of_memory', / 20 allowed/);
      for (const memoryLimit of [0, -1, 1.5, '1000', Number.NaN])
        await fails(open(expand, { memoryLimit }), 'invalid_argument', /memoryLimit/);
    });

    test('gives what onnxruntime-node gives', async () => {
      const session = await open();
      const judge = await ort.InferenceSession.create(joinAndFlip);
      const given = feeds();
      const results = await session.run(given);
      const expected = await judge.run(
        Object.fromEntries(
          Object.entries(given).map(([k, t]) => [k, new ort.Tensor(t.type, t.data, t.dims)]),
        ),
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
          Array.isArray(array)
            ? array
            : [...new Uint8Array(array.buffer, array.byteOffset, array.byteLength)];
        assert.deepEqual(bits(y.data), bits(data));
        assert.notEqual(y.data, data);
        await session.release();
      });
    }

    test('an empty tensor passes through', async () => {
      const session = await open(identity('float32'));
      const { y } = await session.run({ x: new Tensor('float32', new Float32Array(0), [0, 2]) });
      assert.deepEqual([y.dims, y.data.length], [[0, 2], 0]);
      await session.release();
    });

    test('opens paths, file URLs, buffers, parts of buffers, and Blobs', async () => {
      const path = join(folder, 'model.onnx');
      writeFileSync(path, joinAndFlip);
      const padded = new Uint8Array(joinAndFlip.length + 20);
      padded.set(joinAndFlip, 10);
      const shared = new SharedArrayBuffer(joinAndFlip.length);
      new Uint8Array(shared).set(joinAndFlip);
      const options = { worker };
      const sessions = await Promise.all([
        InferenceSession.create(path, options),
        InferenceSession.create(pathToFileURL(path).href, options),
        InferenceSession.create(pathToFileURL(path), options),
        InferenceSession.create(padded.subarray(10, 10 + joinAndFlip.length), options),
        InferenceSession.create(padded.buffer, 10, joinAndFlip.length, options),
        InferenceSession.create(Uint8Array.from(joinAndFlip).buffer, options),
        InferenceSession.create(shared, options),
        InferenceSession.create(new Blob([joinAndFlip]), options),
      ]);
      for (const session of sessions) {
        const { joined } = await session.run(feeds());
        assert.deepEqual([...joined.data], [0, 1, 2, 3, 4, 5, 100, 101, 102]);
        await session.release();
      }
      assert.equal(padded.buffer.byteLength, padded.length, 'the caller keeps the buffer');
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

    test('models that are none', async () => {
      await fails(open(new Uint8Array(0)), 'invalid_model');
      await fails(open(new Uint8Array(100).fill(255)), 'invalid_model');
      await fails(open(cut(joinAndFlip, joinAndFlip.length - 9)), 'invalid_model');
      await fails(
        open(new TextEncoder().encode('<!DOCTYPE html><title>x</title>')),
        'fetch_failed',
        /web page/,
      );
      await fails(
        open(new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\noid sha256:0')),
        'fetch_failed',
        /Git LFS/,
      );
      await fails(open(join(folder, 'nothing.onnx')), 'fetch_failed', /nothing\.onnx/);
      const unknown = model({
        inputs: { x: ['float32', 1] },
        outputs: { y: ['float32', 1] },
        nodes: [node('Frobnicate', 'x', 'y')],
      });
      await fails(open(unknown), 'unsupported_operator', /Frobnicate/);
      // All at once, in bodies too, and before the weights: here their file is missing.
      const body = {
        name: 'body',
        node: [node('Innermost', 'x', 'z')],
        output: [{ name: 'z', type: { tensor_type: { elem_type: 1 } } }],
      };
      const weights = {
        name: 'w',
        dims: [1],
        data_type: 1,
        data_location: 1,
        external_data: [{ key: 'location', value: 'w.bin' }],
      };
      const several = (nodes) =>
        model({
          inputs: { x: ['float32', 1], c: ['bool'] },
          outputs: { y: ['float32', 1] },
          nodes: [...nodes, node('Add', 'x w', 'y')],
          initializers: [weights],
        });
      await fails(open(several([])), 'missing_external_data', /w\.bin/);
      await fails(
        open(
          several([
            node('Frobnicate', 'x', 'a'),
            node('If', 'c', 'b', { then_branch: body, else_branch: body }),
          ]),
        ),
        'unsupported_operator',
        /ai\.onnx\.Frobnicate \(opset 17\), ai\.onnx\.Innermost \(opset 17\)/,
      );
    });

    test('every prefix of a model ends in an error of ours or in success', async () => {
      for (let length = 0; length < joinAndFlip.length; length += 7) {
        try {
          await (await open(cut(joinAndFlip, length))).release();
        } catch (error) {
          assert.ok(error instanceof KingletError && error.code !== 'internal', `${length}: ${error}`);
        }
      }
    });

    test('weights in a file of their own', async () => {
      const weights = Float32Array.of(1, 2, 3, 4, 5, 6);
      const withFile = model({
        inputs: { a: ['float32', 'N', 3] },
        outputs: { y: ['float32', '', 3] },
        nodes: [node('Concat', 'a w', 'y', { axis: 0 })],
        initializers: [
          {
            name: 'w',
            dims: [2, 3],
            data_type: 1,
            data_location: 1,
            external_data: [
              { key: 'location', value: 'weights.bin' },
              { key: 'offset', value: '8' },
              { key: 'length', value: '24' },
            ],
          },
        ],
      });
      const file = new Uint8Array(32);
      file.set(new Uint8Array(weights.buffer), 8);
      await fails(open(withFile), 'missing_external_data', /weights\.bin/);
      const externalData = [{ path: './weights.bin', data: file }];
      const session = await open(withFile, { externalData });
      const { y } = await session.run({ a: floats([1, 3]) });
      assert.deepEqual([...y.data], [0, 1, 2, 1, 2, 3, 4, 5, 6]);
      await session.release();
      await fails(
        open(withFile, { externalData: [{ path: 'weights.bin', data: file.slice(0, 31) }] }),
        'invalid_model',
      );
    });

    test('options that are none', async () => {
      await assert.rejects(open(5), { name: 'TypeError', message: /must be 'path' or 'buffer'/ });
      await assert.rejects(InferenceSession.create(joinAndFlip, 5), TypeError);
      await fails(open(joinAndFlip, { graphOptimizationLevel: 'much' }), 'invalid_argument');
      await fails(open(joinAndFlip, { freeDimensionOverrides: { N: 1.5 } }), 'invalid_argument');
      const message = 'no available backend found. ERR: [moon] backend not found.';
      await assert.rejects(open(joinAndFlip, { executionProviders: ['moon'] }), { message });
    });

    test('onnxruntime’s execution providers are taken', async () => {
      const executionProviders = ['wasm', { name: 'cpu' }];
      const session = await open(joinAndFlip, { executionProviders, graphOptimizationLevel: 'disabled' });
      await session.run(feeds());
      await session.release();
    });

    test('dimensions of other makers’ tensors that are no integers are refused; the session goes on', async () => {
      const session = await open();
      for (const dim of [1.5, 2 ** 60, Number.NaN]) {
        const a = { type: 'float32', dims: [dim, 3], data: new Float32Array(6) };
        await fails(session.run({ ...feeds(), a }), 'invalid_argument', /is not an integer/);
      }
      assert.deepEqual((await session.run(feeds())).joined.dims, [3, 3]);
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

    test('creation and runs end with their signal', async () => {
      const reason = new Error('enough');
      const gone = AbortSignal.abort(reason);
      await assert.rejects(open(joinAndFlip, { signal: gone }), reason);
      const session = await open();
      await assert.rejects(session.run(feeds(), { signal: gone }), reason);
      await assert.rejects(session.run(feeds(), { signal: AbortSignal.abort() }), { name: 'AbortError' });
      assert.ok((await session.run(feeds(), { signal: new AbortController().signal })).joined);
      await session.release();
    });

    test('progress adds up', async () => {
      const seen = [];
      const session = await open(new Blob([joinAndFlip]), { onProgress: (progress) => seen.push(progress) });
      assert.deepEqual(seen.at(-1), { loaded: joinAndFlip.length, total: joinAndFlip.length });
      await session.release();
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
}

test('the version is the package’s', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url)));
  assert.equal(env.versions.kinglet, version);
});

test('the default export is the same as the named ones', () => {
  assert.deepEqual([kinglet.InferenceSession, kinglet.Tensor, kinglet.env], [InferenceSession, Tensor, env]);
});
