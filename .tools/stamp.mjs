// Skips a step whose inputs have not changed since it last succeeded.
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { build, root } from './paths.mjs';

/**
 * @param {string} path
 * @returns {AsyncGenerator<string>}
 */
async function* files(path) {
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory()) return yield path;
  const entries = (await readdir(path, { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    if (entry.name === 'node_modules' || entry.name === 'build' || entry.name === '__pycache__') continue;
    yield* files(join(path, entry.name));
  }
}

/**
 * SHA-256 over names and contents of the files and folders given by their paths in the project.
 * @param {string[]} paths
 */
export async function hashOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    for await (const file of files(join(root, path))) {
      hash
        .update(`${relative(root, file)}\0`)
        .update(await readFile(file))
        .update('\0');
    }
  }
  return hash.digest('hex');
}

/**
 * Runs `work` unless `inputs` hash as at its last success and all `outputs` exist.
 * @param {string} name
 * @param {string[]} inputs
 * @param {string[]} outputs
 * @param {() => Promise<unknown>} work
 */
export async function unlessFresh(name, inputs, outputs, work) {
  const stamp = join(build, 'stamps', name);
  const hash = await hashOf(inputs);
  const fresh = existsSync(stamp) && (await readFile(stamp, 'utf8')) === hash;
  if (fresh && outputs.every((output) => existsSync(join(root, output)))) return 'nothing to do';
  const note = await work();
  await mkdir(dirname(stamp), { recursive: true });
  await writeFile(stamp, hash);
  return note;
}
