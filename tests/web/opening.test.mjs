// What a session is opened from and with: sources, options, weights beside the model; and models that are none.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { InferenceSession, KingletError } from 'kinglet';
import { joinAndFlip, model, node } from './models.mjs';
import { fails, feeds, floats, inBothPlaces } from './sessions.mjs';

const folder = mkdtempSync(join(tmpdir(), 'kinglet-'));
after(() => rmSync(folder, { recursive: true }));
const cut = (bytes, length) => bytes.slice(0, length);

inBothPlaces((open, worker) => {
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

  test('files of other formats are told by their names', async () => {
    const safetensors = Buffer.concat([Buffer.from([64, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('{"a":{}}')]);
    const files = [
      [gzipSync(joinAndFlip), /gzip: unpack/],
      [Buffer.from('PK\x03\x04\x14\0\0\0'), /zip archive.*ONNX/],
      [Buffer.from([0x80, 4, 0x95, 0]), /pickle/],
      [Buffer.from('\x1c\0\0\0TFL3\0\0', 'latin1'), /TensorFlow Lite/],
      [Buffer.from('\x18\0\0\0ORTM\0\0', 'latin1'), /onnxruntime's own format/],
      [Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'), /HDF5/],
      [Buffer.from('{"format":"layers-model"}'), /JSON/],
      [Buffer.from('GGUF\x03\0\0\0'), /GGUF/],
      [safetensors, /safetensors/],
      [new Uint8Array(0), /an empty file/],
    ];
    for (const [bytes, words] of files) await fails(open(new Uint8Array(bytes)), 'invalid_model', words);
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
    await fails(open(folder), 'fetch_failed', /is it a file/);
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
});
