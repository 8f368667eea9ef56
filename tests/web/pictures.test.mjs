// ImageDecoder in Node, whose decoder is sharp: what comes out, where in a model it may stand, and what goes wrong.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { env, InferenceSession, KingletError, Tensor } from 'kinglet';
import sharp from 'sharp';
import { bmp, expected, luminance, noise, png, turnedJpeg } from '../support/pictures.mjs';
import { model, node } from './models.mjs';

env.wasm.simd = 'fixed';
env.wasm.numThreads = 1;

const bytes = (data) => new Tensor('uint8', Uint8Array.from(data), [data.length]);

const decoder = (format, attributes = format ? { pixel_format: format } : {}) =>
  model({
    opset: 20,
    inputs: { file: ['uint8', 'N'] },
    outputs: { image: ['uint8', 'H', 'W', 'C'] },
    nodes: [node('ImageDecoder', 'file', 'image', attributes)],
  });

async function fails(promise, code, words, context = {}) {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof KingletError, `${error}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
    for (const [key, value] of Object.entries(context)) assert.match(error.context[key] ?? '', value, key);
    return true;
  });
}

const [width, height] = [7, 5];
const rgb = noise(width * height * 3);
const grey = noise(width * height);
const tripled = (values) => Array.from(values, (v) => [v, v, v]).flat();

for (const worker of [false, true]) {
  describe(worker ? 'in a worker' : 'in this thread', () => {
    const open = (source, options = {}) => InferenceSession.create(source, { worker, ...options });
    const decode = async (file, format) => {
      const session = await open(decoder(format));
      try {
        return (await session.run({ file: bytes(file) })).image;
      } finally {
        await session.release();
      }
    };

    for (const format of [undefined, 'RGB', 'BGR', 'Grayscale']) {
      test(`pixels as ${format ?? 'the default, RGB'}`, async () => {
        const { dims, data } = await decode(png(width, height, rgb), format);
        assert.deepEqual(dims, [height, width, format === 'Grayscale' ? 1 : 3]);
        assert.deepEqual([...data], expected(rgb, format));
      });
    }

    test('every kind of PNG becomes 8 bits of RGB; alpha is dropped, transparent pixels keep their colour', async () => {
      const opaque = [...(await decode(png(width, height, grey, { color: 'grey' }))).data];
      assert.deepEqual(opaque, tripled(grey));
      const rgba = noise(width * height * 4);
      assert.deepEqual(
        [...(await decode(png(width, height, rgba, { color: 'rgba' }))).data],
        [...rgba].filter((_, i) => i % 4 !== 3),
      );
      assert.deepEqual(
        [...(await decode(png(width, height, rgba, { color: 'rgba' }), 'Grayscale')).data],
        luminance(rgba, 4),
      );
      const both = noise(width * height * 2);
      assert.deepEqual(
        [...(await decode(png(width, height, both, { color: 'grey and alpha' }))).data],
        tripled(both.filter((_, i) => i % 2 === 0)),
      );
      const palette = noise(3 * 16);
      const places = grey.map((v) => v & 15);
      assert.deepEqual(
        [...(await decode(png(width, height, places, { color: 'palette', palette }))).data],
        [...places].flatMap((place) => [...palette.subarray(3 * place, 3 * place + 3)]),
      );
      const wide = rgb.map((v) => v).reduce((out, v) => out.concat([v, v]), []);
      assert.deepEqual(
        [...(await decode(png(width, height, Uint8Array.from(wide), { bits: 16 }))).data],
        [...rgb],
      );
    });

    test('WebP, TIFF and GIF, and JPEG to what rounding leaves', async () => {
      const raw = () => sharp(rgb, { raw: { width, height, channels: 3 } });
      for (const made of [raw().webp({ lossless: true }), raw().tiff({ compression: 'lzw' })])
        assert.deepEqual([...(await decode(await made.toBuffer())).data], [...rgb]);
      const few = rgb.map((v) => (v & 1) * 255);
      const gif = sharp(few, { raw: { width, height, channels: 3 } }).gif({ dither: 0 });
      assert.deepEqual([...(await decode(await gif.toBuffer())).data], [...few]);
      const smooth = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => 100 + (i % 96) / 3);
      const jpeg = sharp(smooth, { raw: { width: 32, height: 32, channels: 3 } }).jpeg({ quality: 100 });
      const { data } = await decode(await jpeg.toBuffer());
      for (const [i, value] of data.entries()) assert.ok(Math.abs(value - smooth[i]) <= 3, `${i}: ${value}`);
    });

    test('a picture is not turned as EXIF would have it', async () => {
      assert.deepEqual((await decode(png(width, height, rgb, { exif: true }))).dims, [height, width, 3]);
      const jpeg = await sharp(rgb, { raw: { width, height, channels: 3 } })
        .jpeg()
        .toBuffer();
      const { autoOrient } = await sharp(turnedJpeg(jpeg)).metadata();
      assert.deepEqual([autoOrient.width, autoOrient.height], [height, width]);
      assert.deepEqual((await decode(turnedJpeg(jpeg))).dims, [height, width, 3]);
    });

    test('a format that the host lacks is named, and so is what to do', async () => {
      const session = await open(decoder());
      const run = (file) => session.run({ file: bytes(file) });
      const context = { host: /Node/, hint: /PNG/, op: /ImageDecoder/, node: /ImageDecoder_image/ };
      const jp2 = Buffer.from('0000000c6a5020200d0a870a00000014667479706a703220', 'hex');
      const [lacking, packed, pam] = [/^JPEG 2000$/, /^BMP$/, /^PNM$/].map((format) => ({
        ...context,
        format,
      }));
      await fails(run(jp2), 'unsupported_feature', /no decoder for JPEG 2000/, lacking);
      const runs = bmp(2, 2, rgb.subarray(0, 12));
      runs[30] = 1;
      await fails(run(runs), 'unsupported_feature', /no decoder for this kind of BMP/, packed);
      await fails(run(Buffer.from('P7\nWIDTH 1\n')), 'unsupported_feature', /this kind of PNM/, pam);
      assert.deepEqual([...(await run(png(width, height, rgb))).image.data], [...rgb]);
      await session.release();
    });

    test('BMP of each depth, and PNM of each kind', async () => {
      const session = await open(decoder());
      const pixels = async (file) => [...(await session.run({ file: bytes(file) })).image.data];
      assert.deepEqual(await pixels(bmp(width, height, rgb)), [...rgb]);
      const downwards = bmp(width, height, rgb);
      downwards.writeInt32LE(-height, 22);
      const rows = Array.from({ length: height }, (_, y) => [
        ...rgb.subarray(3 * y * width, 3 * (y + 1) * width),
      ]);
      assert.deepEqual(await pixels(downwards), rows.reverse().flat());
      const wide = bmp(4, 1, noise(16).subarray(0, 12));
      wide.writeUInt16LE(32, 28);
      const deep = Buffer.concat([wide.subarray(0, 54), noise(16, 3)]);
      assert.deepEqual(
        await pixels(deep),
        [0, 4, 8, 12].flatMap((i) => [...noise(16, 3).subarray(i, i + 3)].reverse()),
      );
      for (const depth of [1, 4, 8]) {
        const palette = noise(4 << depth, depth);
        const places = Array.from({ length: 9 * 2 }, (_, i) => (i * 7) % (1 << depth));
        const row = Math.ceil((9 * depth) / 32) * 4;
        const head = Buffer.from(bmp(9, 2, noise(54))).subarray(0, 54);
        head.writeUInt16LE(depth, 28);
        head.writeUInt32LE(54 + palette.length, 10);
        const lines = Buffer.alloc(2 * row);
        for (const [i, place] of places.entries()) {
          const bit = (i % 9) * depth;
          lines[(1 - Math.floor(i / 9)) * row + (bit >> 3)] |= place << (8 - depth - (bit & 7));
        }
        assert.deepEqual(
          await pixels(Buffer.concat([head, palette, lines])),
          places.flatMap((place) => [...palette.subarray(4 * place, 4 * place + 3)].reverse()),
        );
      }
      const text = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
      const grey = (...values) => values.flatMap((v) => [v, v, v]);
      assert.deepEqual(await pixels(text('P1 # bits\n3 2\n101\n0 1 0')), grey(0, 255, 0, 255, 0, 255));
      assert.deepEqual(await pixels(text('P2\n2 # w\n 2 10\n0 5 10 99')), grey(0, 128, 255, 255));
      assert.deepEqual(await pixels(text('P3 1 2 255\n1 2 3\n4 5 6\n')), [1, 2, 3, 4, 5, 6]);
      assert.deepEqual(
        await pixels(text('P4\n9 2\n', [0b10100000, 0x80, 0, 0])),
        grey(0, 255, 0, 255, 255, 255, 255, 255, 0, ...Array(9).fill(255)),
      );
      assert.deepEqual(await pixels(text('P5\n3 1\n255\n', [7, 8, 10])), grey(7, 8, 10));
      assert.deepEqual(await pixels(text('P5 1 2 65535\n', [255, 255, 128, 0])), grey(255, 128));
      assert.deepEqual(await pixels(text(`P6\n${width} ${height}\n255\n`, rgb)), [...rgb]);
      for (const bad of [
        'P1\n2 2\n101',
        'P3 1 1 255 1 2',
        'P5 0 1 255\n',
        'P5 2 x',
        'P6',
        'P6 2 2 255\nabc',
        'P5 1 1 70000\nab',
      ])
        await fails(session.run({ file: bytes(text(bad, ' ')) }), 'invalid_input', /picture/);
      await fails(session.run({ file: bytes(text('P5 99999999 99999999 255 ')) }), 'out_of_memory', /pixels/);
      const huge = bmp(1, 1, [1, 2, 3]);
      huge.writeInt32LE(0x7fffffff, 18);
      huge.writeInt32LE(0x7fffffff, 22);
      await fails(session.run({ file: bytes(huge) }), 'out_of_memory', /pixels/);
      await session.release();
    });

    test('cut and damaged pictures are refused, and leave nothing behind', async () => {
      const session = await open(decoder());
      const run = (file) => session.run({ file: bytes(file) });
      const good = png(width, height, rgb);
      const large = noise(64 * 64 * 3);
      const files = [good, png(64, 64, large), bmp(64, 64, large)];
      for (const form of ['jpeg', 'webp', 'tiff'])
        files.push(
          await sharp(large, { raw: { width: 64, height: 64, channels: 3 } })
            [form]()
            .toBuffer(),
        );
      // The arena stays as large as the largest file needs it.
      for (const file of [...files, good]) await run(file);
      const before = (await session.info()).liveBytes;
      for (const file of files) {
        for (const share of [0.05, 0.3, 0.6, 0.9])
          await fails(run(file.subarray(0, file.length * share)), 'invalid_input', /picture/);
        const damaged = Buffer.from(file);
        damaged.fill(0, 12, 150);
        await fails(run(damaged), 'invalid_input', /picture/);
      }
      for (const file of [
        [],
        [0],
        Buffer.from('no picture at all'),
        Buffer.from('<svg width="1" height="1"/>'),
      ])
        await fails(run(file), 'invalid_input', /no picture of a known format/, { expected: /JPEG.*PNM/ });
      assert.deepEqual([...(await run(good)).image.data], [...rgb]);
      assert.equal((await session.info()).liveBytes, before);
      await session.release();
    });

    test('a picture counts against the memory limit, before it is decoded', async () => {
      const session = await open(decoder(), { memoryLimit: 100_000 });
      const run = (file) => session.run({ file: bytes(file) });
      const large = png(20000, 20000, new Uint8Array((20000 * 20000 * 3) / 8), { color: 'grey', bits: 1 });
      await fails(run(large.subarray(0, 4000)), 'out_of_memory', /pixels/);
      assert.deepEqual([...(await run(png(width, height, rgb))).image.data], [...rgb]);
      await session.release();
    });

    test('what a decoder gets may be computed, and what it gives is computed with', async () => {
      const session = await open(
        model({
          opset: 20,
          inputs: { a: ['uint8', 'N'], b: ['uint8', 'M'] },
          outputs: { sum: ['float32', 1], image: ['uint8', 'H', 'W', 'C'] },
          nodes: [
            node('Concat', 'a b', 'file', { axis: 0 }),
            node('ImageDecoder', 'file', 'image'),
            node('Cast', 'image', 'numbers', { to: 1 }),
            node('ReduceSum', 'numbers', 'sum', { keepdims: 0 }),
          ],
        }),
      );
      const file = png(width, height, rgb);
      const { sum, image } = await session.run({
        a: bytes(file.subarray(0, 30)),
        b: bytes(file.subarray(30)),
      });
      assert.equal(
        sum.data[0],
        rgb.reduce((a, b) => a + b, 0),
      );
      assert.deepEqual([...image.data], [...rgb]);
      await session.release();
    });

    test('a picture in the model itself', async () => {
      const file = png(width, height, rgb);
      const session = await open(
        model({
          opset: 20,
          inputs: { x: ['uint8', 1] },
          outputs: { y: ['uint8', '', '', ''] },
          nodes: [node('ImageDecoder', 'file', 'image'), node('Max', 'image x', 'y')],
          initializers: [{ name: 'file', data_type: 2, dims: [file.length], raw_data: file }],
        }),
      );
      for (const x of [0, 200]) {
        const { y } = await session.run({ x: bytes([x]) });
        assert.deepEqual(
          [...y.data],
          [...rgb].map((v) => Math.max(v, x)),
        );
      }
      await session.release();
    });

    test('in bodies: If, and a map over a sequence of files', async () => {
      const port = (name, type, dims = 1) => ({
        name,
        type: {
          tensor_type: { elem_type: type, shape: { dim: Array(dims).fill({}) } },
        },
      });
      const body = (inputs, nodes, output, dims) => ({
        name: 'body',
        node: nodes,
        input: inputs,
        output: [port(output, 2, dims)],
      });
      const branch = (format) =>
        body([], [node('ImageDecoder', 'file', format, { pixel_format: format })], format, 3);
      const either = await open(
        model({
          opset: 20,
          inputs: { file: ['uint8', 'N'], grey: ['bool'] },
          outputs: { image: ['uint8', '', '', ''] },
          nodes: [
            node('If', 'grey', 'image', { then_branch: branch('Grayscale'), else_branch: branch('BGR') }),
          ],
        }),
      );
      for (const format of ['Grayscale', 'BGR']) {
        const condition = new Tensor('bool', [format === 'Grayscale'], []);
        const { image } = await either.run({ file: bytes(png(width, height, rgb)), grey: condition });
        assert.deepEqual([...image.data], expected(rgb, format));
      }
      await either.release();

      const over = body([port('f', 2)], [node('ImageDecoder', 'f', 'i')], 'i', 3);
      const each = await open(
        model({
          opset: 20,
          inputs: { files: [['uint8', '']] },
          outputs: { images: [['uint8', '', '', '']] },
          nodes: [node('SequenceMap', 'files', 'images', { body: over })],
        }),
      );
      const pictures = Array.from({ length: 12 }, (_, i) => noise((i + 1) * 6, i));
      const { images } = await each.run({ files: pictures.map((p, i) => bytes(png(i + 1, 2, p))) });
      assert.deepEqual(
        images.map(({ data }) => [...data]),
        pictures.map((p) => [...p]),
      );
      const many = Array.from({ length: 257 }, (_, i) => bytes(png(1, 1, Uint8Array.of(i, i >> 8, 7))));
      await fails(each.run({ files: many }), 'limit_exceeded', /more than 256 pictures/, {
        op: /ImageDecoder/,
      });
      // The same picture over and over is decoded once.
      const same = await each.run({ files: Array(300).fill(bytes(png(width, height, rgb))) });
      assert.deepEqual([...same.images[299].data], [...rgb]);
      await each.release();
    });

    test('runs at once follow one another, on what the feeds were when they were made', async () => {
      const session = await open(decoder());
      const pictures = Array.from({ length: 8 }, (_, i) => noise(3 * (i + 1), i));
      const runs = pictures.map((p, i) => {
        const file = bytes(png(i + 1, 1, p));
        const run = session.run({ file });
        file.data.fill(0);
        return run;
      });
      for (const [i, { image }] of (await Promise.all(runs)).entries())
        assert.deepEqual([...image.data], [...pictures[i]]);
      await session.release();
    });

    test('a run that waits for a picture can be aborted, and released', async () => {
      const side = 3000;
      const slow = await sharp(noise(side * side), { raw: { width: side, height: side, channels: 1 } })
        .png({ compressionLevel: 9 })
        .toBuffer();
      const session = await open(decoder());
      await fails(session.run({ file: bytes([1]) }), 'invalid_input', /picture/);
      const aborted = session.run({ file: bytes(slow) }, { signal: AbortSignal.timeout(20) });
      await assert.rejects(aborted, { name: 'TimeoutError' });
      assert.deepEqual(
        [...(await session.run({ file: bytes(png(width, height, rgb)) })).image.data],
        [...rgb],
      );
      const owed = session.run({ file: bytes(slow) });
      const refused = fails(owed, 'session_released', /released/);
      await session.release();
      await refused;
    });
  });
}

test('a picture is decoded once while runs follow that use it, and forgotten by a run that does not', async () => {
  // What the package requires, which is not what this file imports.
  const { queue } = createRequire(import.meta.url)('sharp');
  let changes = 0;
  const count = () => changes++;
  queue.on('change', count);
  const session = await InferenceSession.create(decoder());
  const run = async (file) => {
    changes = 0;
    await session.run({ file: bytes(file) });
    // A picture joins the queue and leaves it.
    return changes / 2;
  };
  const small = png(width, height, rgb);
  const other = png(width, height, noise(rgb.length, 5));
  // 3 x 2500 x 2500 bytes are more than a session keeps.
  const large = png(2500, 2500, new Uint8Array(2500 * 2500), { color: 'grey' });
  const counts = [];
  for (const file of [small, small, other, small, large, large]) counts.push(await run(file));
  queue.off('change', count);
  await session.release();
  assert.deepEqual(counts, [1, 0, 1, 1, 1, 1]);
});

test('a pixel format that ONNX does not have, and a file that is no list', async () => {
  const file = bytes(png(width, height, rgb));
  const session = await InferenceSession.create(decoder('CMYK'));
  await fails(session.run({ file }), 'invalid_graph', /pixel_format is CMYK/);
  await session.release();
  const flat = await InferenceSession.create(
    model({
      opset: 20,
      inputs: { file: ['uint8', '', ''] },
      outputs: { image: ['uint8', '', '', ''] },
      nodes: [node('ImageDecoder', 'file', 'image')],
    }),
  );
  await fails(
    flat.run({ file: new Tensor('uint8', file.data, [1, file.data.length]) }),
    'invalid_shape',
    /encoded_stream/,
  );
  await flat.release();
});
