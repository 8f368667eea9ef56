#!/usr/bin/env node
// Fills build/catalog from models/: one folder per model version, the samples, and index.json that lists them.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeSpeech } from './samples/speech.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const run = promisify(execFile);

/**
 * @typedef {{ npm: string, version: string, file: string }} Source a file inside an installed npm package
 * @typedef {{ path: string, role: string, title: string, size: number, sha256: string, source: Source }} ModelFile
 * @typedef {{ name: string, version: string, task: string, title: string, description: string,
 *   licence: { spdx: string, note: string }, origin: Record<string, string>, files: ModelFile[] }} ModelSource
 */

/**
 * @param {string} out made anew; appears only when everything in it is complete and verified
 */
export async function fillCatalog(out) {
  const work = `${out}.part`;
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  const models = [];
  for (const item of (await readdir(HERE, { withFileTypes: true })).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const source = join(HERE, item.name, 'model.json');
    if (!item.isDirectory() || !(await exists(source))) continue;
    models.push(await placeModel(join(HERE, item.name), JSON.parse(await readFile(source, 'utf8')), work));
  }
  const samples = await makeSamples(work);
  await writeFile(join(work, 'index.json'), `${JSON.stringify({ models, samples }, null, 2)}\n`);
  await rm(out, { recursive: true, force: true });
  await rename(work, out);
  return { models, samples };
}

/**
 * Copies the files of one model and returns its entry for index.json; urls are relative to the catalog's root.
 * @param {string} folder
 * @param {ModelSource} model
 * @param {string} out
 */
async function placeModel(folder, model, out) {
  const base = `models/${model.name}/${model.version}`;
  await mkdir(join(out, base), { recursive: true });
  await copyFile(join(folder, 'card.md'), join(out, base, 'card.md'));
  const files = [];
  for (const { source, ...file } of model.files) {
    const bytes = await readFile(await npmFile(source, model.name));
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (bytes.length !== file.size || sha256 !== file.sha256) {
      throw new Error(
        `${model.name}: ${source.npm}/${source.file} has ${bytes.length} bytes, SHA-256 ${sha256}; expected ${file.size}, ${file.sha256}`,
      );
    }
    await writeFile(join(out, base, file.path), bytes);
    files.push({ ...file, url: `${base}/${file.path}` });
  }
  return { ...model, card: `${base}/card.md`, files };
}

/**
 * @param {Source} source
 * @param {string} model
 */
async function npmFile(source, model) {
  // Packages may hide package.json from require.resolve, so their folder is looked for along the search path.
  const paths = createRequire(import.meta.url).resolve.paths(source.npm) ?? [];
  for (const path of paths) {
    const folder = join(path, source.npm);
    if (!(await exists(join(folder, 'package.json')))) continue;
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    if (version !== source.version)
      throw new Error(`${model} needs ${source.npm} ${source.version}, installed is ${version}`);
    return join(folder, source.file);
  }
  throw new Error(`${model} needs the npm package ${source.npm} ${source.version}. Install it: npm ci`);
}

/** @param {string} out */
async function makeSamples(out) {
  const folder = join(out, 'samples');
  await mkdir(folder, { recursive: true });
  // Debian's packages belong to Debian's Python, which need not be the first on PATH.
  const python = (await exists('/usr/bin/python3')) ? '/usr/bin/python3' : 'python3';
  await run(python, [
    join(HERE, 'samples/page.py'),
    join(folder, 'page.png'),
    join(folder, 'page.json'),
  ]).catch((error) => {
    throw new Error(
      `The sample picture needs Python with Pillow and fonts (apt-get install python3-pil fonts-dejavu-core fonts-wqy-zenhei):\n${error.stderr || error.message}`,
    );
  });
  await makeSpeech(join(folder, 'speech.wav'), join(folder, 'speech.json'));
  return [
    {
      name: 'page',
      task: 'ocr',
      title: 'Five printed lines',
      url: 'samples/page.png',
      expected: 'samples/page.json',
    },
    {
      name: 'speech',
      task: 'speech-activity',
      title: 'Three sentences, a tone and a hiss',
      url: 'samples/speech.wav',
      expected: 'samples/speech.json',
    },
  ];
}

/** @param {string} path */
const exists = (path) =>
  stat(path).then(
    () => true,
    () => false,
  );

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const out = resolve(process.argv[2] ?? join(HERE, '../build/catalog'));
  try {
    const { models, samples } = await fillCatalog(out);
    const bytes = models.flatMap((model) => model.files).reduce((sum, file) => sum + file.size, 0);
    console.log(
      `catalog: ${models.length} models, ${(bytes / 1e6).toFixed(1)} MB, ${samples.length} samples`,
    );
  } catch (error) {
    console.error(/** @type {Error} */ (error).message);
    process.exitCode = 1;
  }
}
