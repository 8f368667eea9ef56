// Bytes that a page fetches, as they are and under Brotli at its best (kept, since it takes a minute for the largest).
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import { variants } from '../../.tools/cmake.mjs';
import { build, root } from '../../.tools/paths.mjs';
import { ortFiles, ortFolder } from './site.mjs';

const compress = promisify(brotliCompress);

async function brotliSize(bytes) {
  const hash = createHash('sha256').update(bytes).digest('hex');
  const kept = join(build, 'bench/brotli', hash);
  if (existsSync(kept)) return Number(await readFile(kept, 'utf8'));
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  const { length } = await compress(bytes, { params });
  await mkdir(join(build, 'bench/brotli'), { recursive: true });
  await writeFile(kept, String(length));
  return length;
}

/** @returns {Promise<{ name: string, raw: number, brotli: number }[]>} */
export async function measureSizes() {
  const dist = join(root, 'dist');
  const scripts = (await readdir(dist, { recursive: true })).filter((file) => file.endsWith('.js')).sort();
  const groups = [
    ...variants.map((name) => [`kinglet-${name}.wasm`, [join(dist, `kinglet-${name}.wasm`)]]),
    ['kinglet, all scripts', scripts.map((file) => join(dist, file))],
    ...ortFiles.map((file) => [`onnxruntime-web, ${file}`, [join(ortFolder, file)]]),
  ];
  const rows = [];
  for (const [name, files] of groups) {
    const parts = await Promise.all(files.filter((file) => existsSync(file)).map((file) => readFile(file)));
    if (parts.length === 0) continue;
    let brotli = 0;
    for (const part of parts) brotli += await brotliSize(part);
    rows.push({ name, raw: parts.reduce((sum, part) => sum + part.length, 0), brotli });
  }
  return rows;
}
