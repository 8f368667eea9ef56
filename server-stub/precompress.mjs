#!/usr/bin/env node
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { isCompressible } from './http/media-types.mjs';

const brotli = promisify(brotliCompress);
const deflate = promisify(gzip);
const SMALLEST = 512;

/**
 * Writes `x.br` and `x.gz` beside every compressible file below `dir` where that saves bytes.
 * @param {string} dir
 */
export async function precompress(dir) {
  const items = await readdir(dir, { withFileTypes: true });
  await Promise.all(
    items.map(async (item) => {
      const path = join(dir, item.name);
      if (item.isDirectory()) await precompress(path);
      else if (item.isFile() && isCompressible(item.name)) await compress(path);
    }),
  );
}

/** @param {string} path */
async function compress(path) {
  const bytes = await readFile(path);
  if (bytes.length < SMALLEST) return;
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  const variants = { '.br': await brotli(bytes, { params }), '.gz': await deflate(bytes, { level: 9 }) };
  for (const [suffix, packed] of Object.entries(variants)) {
    if (packed.length < bytes.length) await writeFile(path + suffix, packed);
  }
}

if (process.argv[1]?.endsWith('precompress.mjs')) {
  for (const dir of process.argv.slice(2)) await precompress(dir);
}
