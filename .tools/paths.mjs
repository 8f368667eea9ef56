// Where things are. Nothing else in .tools spells these out.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
export const build = join(root, 'build');
export const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kinglet');
export const onnxTestdata = join(cache, 'onnx-testdata-1.17.0');

/**
 * The full path of a program on PATH, or undefined.
 * @param {string} program
 */
export function which(program) {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder || '.', program);
    if (existsSync(path)) return path;
  }
}
