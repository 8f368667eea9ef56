// Pictures and sound as model inputs, made by the recipes in models/samples and kept in build/samples.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { build, root } from '../../.tools/paths.mjs';
import { makeSpeech } from '../../models/samples/speech.mjs';

const run = promisify(execFile);
const folder = join(build, 'samples');

async function made(name, make) {
  const path = join(folder, name);
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  await make(path);
  return path;
}

/** The picture of five printed lines, 960 x 490. */
export const page = () =>
  made('page.png', (path) =>
    run(existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3', [
      join(root, 'models/samples/page.py'),
      path,
      join(folder, 'page.json'),
    ]),
  );

/**
 * A part of the page, scaled to `width` x `height`.
 * @param {{ width: number, height: number, mean: number[], std: number[],
 *   part?: { left: number, top: number, width: number, height: number } }} options `mean` and `std` in units of 0..1
 * @returns {Promise<{ type: string, data: Float32Array, dims: number[] }>} [1, 3, height, width], BGR
 */
export async function picture({ width, height, mean, std, part }) {
  let image = sharp(await page()).removeAlpha();
  if (part) image = image.extract(part);
  image = image.resize(width, height, { fit: 'fill', kernel: 'cubic' });
  const pixels = await image.raw().toBuffer();
  const size = width * height;
  const data = new Float32Array(3 * size);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < size; i++) data[c * size + i] = (pixels[3 * i + 2 - c] / 255 - mean[c]) / std[c];
  return { type: 'float32', data, dims: [1, 3, height, width] };
}

/** Speech, a tone and a hiss with pauses between, -1..1 at `rate` samples per second. */
export async function sound(rate) {
  const path = await made('speech.wav', (path) => makeSpeech(path, join(folder, 'speech.json')));
  const wav = await readFile(path);
  const source = new Int16Array(new Uint8Array(wav.subarray(44)).buffer);
  return resample(source, wav.readUInt32LE(24), rate, 1 / 32768);
}

/** Windowed-sinc resampling to a lower rate; the filter reaches 16 output samples to each side. */
function resample(source, from, to, gain) {
  const ratio = from / to;
  const reach = Math.ceil(16 * ratio);
  const result = new Float32Array(Math.floor(source.length / ratio));
  for (let i = 0; i < result.length; i++) {
    const center = i * ratio;
    let sum = 0;
    for (
      let j = Math.max(0, Math.ceil(center - reach));
      j <= Math.min(source.length - 1, center + reach);
      j++
    ) {
      const t = (j - center) / ratio;
      const window = 0.5 + 0.5 * Math.cos((Math.PI * t) / 16);
      sum += source[j] * window * (t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t));
    }
    result[i] = (sum * gain) / ratio;
  }
  return result;
}
