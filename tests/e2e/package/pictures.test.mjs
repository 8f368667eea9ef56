// ImageDecoder in Chromium: its own decoders, in a worker, in the page's thread, with threads and under a strict policy.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { fetchTestdata } from '../../../.tools/testdata.mjs';
import { readCase } from '../../conformance/cases.mjs';
import { bmp, expected, noise, png, turnedJpeg } from '../../support/pictures.mjs';
import { model, node } from '../../web/models.mjs';
import { launch, openPage, serve } from './chromium.mjs';

const folder = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const [width, height] = [7, 5];
const rgb = noise(width * height * 3);

const decoder = (format = 'RGB') =>
  model({
    opset: 20,
    inputs: { file: ['uint8', 'N'] },
    outputs: { image: ['uint8', 'H', 'W', 'C'] },
    nodes: [node('ImageDecoder', 'file', 'image', { pixel_format: format })],
  });

let browser;
let site;

before(async () => {
  await fetchTestdata();
  browser = await launch();
  site = await serve({
    mounts: { 'kinglet/': folder('dist/') },
    files: {
      'index.html': `<!doctype html><link rel="icon" href="data:,"><script type="module" src="page.js"></script>`,
      'page.js': `import * as kinglet from './kinglet/index.js'; globalThis.kinglet = kinglet;`,
      'RGB.onnx': decoder(),
      'BGR.onnx': decoder('BGR'),
      'Grayscale.onnx': decoder('Grayscale'),
    },
  });
});
after(async () => {
  await browser.close();
  await site.close();
});

/** Runs in the page: decodes files one after the other in one session; a failure is its code, message and context. */
async function decodeAll({ files, format = 'RGB', options = {} }) {
  const { InferenceSession, KingletError, Tensor } = globalThis.kinglet;
  const session = await InferenceSession.create(`${format}.onnx`, options);
  const results = [];
  for (const file of files) {
    const tensor = new Tensor(
      'uint8',
      Uint8Array.from(atob(file), (c) => c.charCodeAt(0)),
    );
    try {
      const { image } = await session.run({ file: tensor });
      results.push({ dims: image.dims, data: [...image.data] });
    } catch (error) {
      if (!(error instanceof KingletError)) throw error;
      results.push({ code: error.code, message: error.message, context: error.context });
    }
  }
  await session.release();
  return results;
}

async function inPage(kind, { files, ...request }, before = () => undefined) {
  const page = await openPage(browser, `${site.url}${kind}/index.html`);
  try {
    await page.evaluate(before);
    const encoded = files.map((file) => Buffer.from(file).toString('base64'));
    const results = await page.evaluate(decodeAll, { ...request, files: encoded });
    assert.deepEqual(page.problems, []);
    return results;
  } finally {
    await page.close();
  }
}

const raw = (pixels, w, h, channels = 3) => sharp(pixels, { raw: { width: w, height: h, channels } });

for (const [kind, options] of [
  ['plain', {}],
  ['plain', { worker: false }],
  ['isolated', {}],
  ['strict', {}],
]) {
  describe(`a ${kind} page, ${options.worker === false ? 'in its own thread' : 'in a worker'}`, () => {
    test('the same pixels from PNG, BMP and lossless WebP, in every order of channels', async () => {
      const webp = await raw(rgb, width, height).webp({ lossless: true }).toBuffer();
      const files = [png(width, height, rgb), bmp(width, height, rgb), webp];
      for (const format of ['RGB', 'BGR', 'Grayscale']) {
        const results = await inPage(kind, { files, format, options });
        const want = {
          dims: [height, width, format === 'Grayscale' ? 1 : 3],
          data: expected(rgb, format),
        };
        assert.deepEqual(results, [want, want, want]);
      }
    });
  });
}

test('the pictures of the ONNX test data', async () => {
  // Chroma is brought to full size by each JPEG and WebP decoder in its own way, and rounded: a unit or two.
  const exact = ['png_rgb', 'bmp_rgb', 'pnm_rgb'];
  for (const name of [...exact, 'jpeg_rgb', 'jpeg_bgr', 'jpeg_grayscale', 'webp_rgb']) {
    const { sets } = await readCase(`node/image_decoder_decode_${name}`);
    const [{ inputs, outputs }] = sets;
    const format = { rgb: 'RGB', bgr: 'BGR', grayscale: 'Grayscale' }[name.replace(/.*_/, '')];
    const [{ dims, data }] = await inPage('plain', { files: [Object.values(inputs)[0].data], format });
    const [want] = Object.values(outputs);
    assert.deepEqual(dims, want.dims, name);
    const furthest = data.reduce((most, v, i) => Math.max(most, Math.abs(v - want.data[i])), 0);
    assert.ok(furthest <= (exact.includes(name) ? 0 : 2), `${name}: ${furthest}`);
  }
});

test('transparent pixels keep their colour, deep and grey pictures become 8 bits of RGB', async () => {
  const rgba = noise(width * height * 4);
  const grey = noise(width * height);
  const deep = Uint8Array.from({ length: 2 * rgb.length }, (_, i) => rgb[i >> 1]);
  const palette = noise(3 * 16);
  const places = grey.map((v) => v & 15);
  const results = await inPage('plain', {
    files: [
      png(width, height, rgba, { color: 'rgba' }),
      png(width, height, grey, { color: 'grey' }),
      png(width, height, deep, { bits: 16 }),
      png(width, height, places, { color: 'palette', palette }),
    ],
  });
  assert.deepEqual(
    results.map(({ data }) => data),
    [
      [...rgba].filter((_, i) => i % 4 !== 3),
      [...grey].flatMap((v) => [v, v, v]),
      [...rgb],
      [...places].flatMap((place) => [...palette.subarray(3 * place, 3 * place + 3)]),
    ],
  );
});

test('a picture is not turned as EXIF would have it', async () => {
  const jpeg = turnedJpeg(await raw(rgb, width, height).jpeg().toBuffer());
  const webp = await raw(rgb, width, height).withMetadata({ orientation: 6 }).webp().toBuffer();
  const results = await inPage('plain', {
    files: [jpeg, png(width, height, rgb, { exif: true }), webp],
  });
  for (const { dims } of results) assert.deepEqual(dims, [height, width, 3]);
  assert.deepEqual(results[1].data, [...rgb]);
});

test('what cannot be decoded is a typed error, and the session goes on', async () => {
  const large = noise(64 * 64 * 3);
  const good = png(width, height, rgb);
  const whole = [png(64, 64, large), bmp(64, 64, large)];
  for (const form of ['jpeg', 'webp']) whole.push(await raw(large, 64, 64)[form]().toBuffer());
  const damaged = whole.map((file) => Buffer.from(file).fill(0, 12, 150));
  const cut = whole.flatMap((file) => [0.05, 0.3, 0.9].map((share) => file.subarray(0, file.length * share)));
  const nothing = [[], [0], Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')];
  const vast = png(30000, 30000, new Uint8Array(30000), { color: 'grey', bits: 1 });
  const tiff = await raw(rgb, width, height).tiff().toBuffer();
  const jp2 = Buffer.from('0000000c6a5020200d0a870a00000014667479706a703220', 'hex');
  const files = [...cut, ...damaged, ...nothing, vast, tiff, jp2, Buffer.from('P7\nWIDTH 1\n'), good];
  const results = await inPage('plain', { files });
  const [last, ...lacking] = results.splice(-4).reverse();
  assert.deepEqual(last.data, [...rgb]);
  for (const [i, name] of ['PNM', 'JPEG 2000', 'TIFF'].entries()) {
    const { code, message, context } = lacking[i];
    assert.equal(code, 'unsupported_feature');
    assert.match(message, new RegExp(`this browser has no decoder for (this kind of )?${name}`));
    assert.deepEqual([context.format, context.op, context.host], [name, 'ImageDecoder', 'this browser']);
    assert.match(context.hint, /PNG/);
  }
  const { code, message } = results.pop();
  assert.equal(code, 'out_of_memory');
  assert.match(message, /30000 x 30000 pixels/);
  for (const [i, { code, message }] of results.entries()) {
    assert.equal(code, 'invalid_input', `file ${i}`);
    assert.match(message, /picture/);
  }
});

test('a run that waits for a picture can be aborted; runs at once do not mix', async () => {
  const page = await openPage(browser, `${site.url}isolated/index.html`);
  const side = 4000;
  const slow = await raw(noise(side * side), side, side, 1)
    .png()
    .toBuffer();
  const outcome = await page.evaluate(
    async ({ slow, good }) => {
      const { InferenceSession, Tensor } = globalThis.kinglet;
      const tensor = (text) =>
        new Tensor(
          'uint8',
          Uint8Array.from(atob(text), (c) => c.charCodeAt(0)),
        );
      const session = await InferenceSession.create('RGB.onnx');
      const signal = AbortSignal.timeout(30);
      const aborted = session.run({ file: tensor(slow) }, { signal }).catch(({ name }) => name);
      const runs = good.map((file) => session.run({ file: tensor(file) }));
      const images = (await Promise.all(runs)).map(({ image }) => [...image.data]);
      const name = await aborted;
      await session.release();
      return { name, images };
    },
    {
      slow: slow.toString('base64'),
      good: [1, 2, 3].map((n) => png(n, 1, noise(3 * n, n)).toString('base64')),
    },
  );
  assert.equal(outcome.name, 'TimeoutError');
  assert.deepEqual(
    outcome.images,
    [1, 2, 3].map((n) => [...noise(3 * n, n)]),
  );
  await page.close();
});
