// What the benchmark's pages need, in build/bench/site, served by the project's own server.
import { copyFile, cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, root } from '../../.tools/paths.mjs';
import { tinyModel } from '../../models/recipes/tiny.mjs';
import { startServer } from '../../server-stub/main.mjs';
import { key } from './subjects.mjs';

const site = join(build, 'bench/site');
const page = fileURLToPath(new URL('page', import.meta.url));
export const ortFolder = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
export const ortFiles = ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'];

/**
 * @param {import('../models/subjects.mjs').Subject[]} subjects
 * @returns the running server, with cross-origin isolation
 */
export async function serveSite(subjects) {
  await rm(site, { recursive: true, force: true });
  for (const folder of ['ort', 'subjects', 'inputs']) await mkdir(join(site, folder), { recursive: true });
  await cp(page, site, { recursive: true });
  for (const file of ortFiles) await copyFile(join(ortFolder, file), join(site, 'ort', file));
  await writeFile(join(site, 'subjects/tiny.onnx'), tinyModel());
  for (const subject of subjects) {
    await copyFile(await subject.path(), join(site, 'subjects', `${key(subject)}.onnx`));
    await writeFeeds(join(site, 'inputs', key(subject)), await subject.feeds());
  }
  const mounts = [
    { prefix: '/', dir: site },
    { prefix: '/kinglet/', dir: join(root, 'dist') },
  ];
  return startServer({ mounts, port: 0 });
}

async function writeFeeds(path, feeds) {
  const parts = [];
  const inputs = [];
  let offset = 0;
  for (const [name, { type, dims, data }] of Object.entries(feeds)) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    inputs.push({ name, type, dims, offset, length: data.length });
    // Every input starts where any typed array can.
    const padding = -bytes.length & 7;
    parts.push(bytes, new Uint8Array(padding));
    offset += bytes.length + padding;
  }
  await writeFile(`${path}.json`, JSON.stringify(inputs));
  await writeFile(`${path}.bin`, Buffer.concat(parts));
}
