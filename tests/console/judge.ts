// The pipelines of the console on onnxruntime-node: an engine that is not ours says whether they are right.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import sharp, { type Sharp } from 'sharp';
import type { Picture } from '../../web/console/src/ocr/image.js';

export const CATALOG = join(process.cwd(), 'build/catalog');
if (!existsSync(join(CATALOG, 'index.json'))) {
  throw new Error('build/catalog is missing. Fill it first: node models/fill.mjs');
}

export const { Tensor } = ort;
export const loadSession = (file: string) => ort.InferenceSession.create(join(CATALOG, 'models', file));
export const readJson = async (file: string) => JSON.parse(await readFile(join(CATALOG, file), 'utf8'));

export async function toPicture(image: Sharp): Promise<Picture> {
  const { data, info } = await image.ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8ClampedArray(data) };
}

export const samplePage = () => sharp(join(CATALOG, 'samples/page.png'));
