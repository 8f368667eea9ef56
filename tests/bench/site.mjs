// What the benchmark's pages need, in build/bench/site, served by the project's own server.
import { copyFile, cp, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, root } from '../../.tools/paths.mjs';
import { tinyModel } from '../../models/recipes/tiny.mjs';
import { startServer } from '../../server-stub/main.mjs';
import { key } from './subjects.mjs';

export const site = join(build, 'bench/site');
const page = fileURLToPath(new URL('page', import.meta.url));
export const ortFolder = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
export const ortFiles = ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'];

export const startNames = ['kinglet', 'onnxruntime-web', 'alone'];

const litertFolder = join(root, 'node_modules/@litertjs');

/** Files of a subject on the site. */
export const filesOf = (subject) => ({ model: `${key(subject)}.onnx`, inputs: key(subject) });
export const twinOf = (subject) => ({ model: `${key(subject)}.tflite`, inputs: key(subject) });

/** A page for each script of `page/start`, as a user writes it: with the runtime among the script's own imports. */
async function placeStarts() {
  for (const name of startNames) {
    const lines = [
      '<!doctype html>',
      '<meta charset="utf-8">',
      '<title>Start</title>',
      '<link rel="icon" href="data:,">',
    ];
    lines.push(`<script type="module" src="${name}.js"></script>`, '');
    await writeFile(join(site, `start/${name}.html`), lines.join('\n'));
  }
}

/** Models are large: the same file under another name where the file system can. */
const place = (from, to) => link(from, to).catch(() => copyFile(from, to));

/** LiteRT.js names its helper package, which a page without a bundler cannot find. */
async function placeLiteRt() {
  const script = await readFile(join(litertFolder, 'core/dist/index.js'), 'utf8');
  await writeFile(join(site, 'litert/index.js'), script.replace('"@litertjs/wasm-utils"', '"./utils.js"'));
  await copyFile(join(litertFolder, 'wasm-utils/dist/index.js'), join(site, 'litert/utils.js'));
}

/**
 * @param {import('./subjects.mjs').Subject[]} subjects
 * @param {{ file: string, path: string }[]} models further ones
 * @param {() => Promise<unknown>} more puts other files there
 * @returns the running server, with cross-origin isolation
 */
export async function serveSite(subjects, models = [], more) {
  await rm(site, { recursive: true, force: true });
  for (const folder of ['ort', 'ort-threads', 'litert', 'subjects', 'inputs'])
    await mkdir(join(site, folder), { recursive: true });
  await cp(page, site, { recursive: true });
  for (const folder of ['ort', 'ort-threads'])
    for (const file of ortFiles) await copyFile(join(ortFolder, file), join(site, folder, file));
  await placeLiteRt();
  await placeStarts();
  await writeFile(join(site, 'subjects/tiny.onnx'), tinyModel());
  for (const { file, path } of models) await place(path, join(site, 'subjects', file));
  const places = new Map();
  for (const subject of subjects)
    if (subject.twin || !places.has(key(subject))) places.set(key(subject), subject);
  for (const subject of places.values()) {
    await place(await subject.path(), join(site, 'subjects', filesOf(subject).model));
    if (subject.twin) await place(await subject.twin(), join(site, 'subjects', twinOf(subject).model));
    const series = subject.series ? await subject.series() : [await subject.feeds()];
    await writeSeries(join(site, 'inputs', key(subject)), series);
  }
  await more?.();
  const mounts = [
    { prefix: '/', dir: site },
    { prefix: '/kinglet/', dir: join(root, 'dist') },
    { prefix: '/litert/wasm/', dir: join(litertFolder, 'core/wasm') },
    { prefix: '/support/', dir: join(root, 'tests/support') },
  ];
  return startServer({ mounts, port: 0 });
}

/** Inputs of one run after the other. */
async function writeSeries(path, series) {
  const parts = [];
  let offset = 0;
  const inputs = series.map((feeds) =>
    Object.entries(feeds).map(([name, { type, dims, data }]) => {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      const input = { name, type, dims, offset, length: data.length };
      // Every input starts where any typed array can.
      const padding = -bytes.length & 7;
      parts.push(bytes, new Uint8Array(padding));
      offset += bytes.length + padding;
      return input;
    }),
  );
  await writeFile(`${path}.json`, JSON.stringify(inputs));
  await writeFile(`${path}.bin`, Buffer.concat(parts));
}
