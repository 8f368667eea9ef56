import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mediaType } from './http/media-types.mjs';

/**
 * Bytes on disk as they were when the site was read.
 * @typedef {{ path: string, size: number, mtimeMs: number, etag: string }} Blob
 * @typedef {{ blob: Blob, type: string, cacheControl: string, variants: { encoding: string, blob: Blob }[] }} Entry
 * @typedef {Map<string, Entry>} Site decoded URL path -> what it names; nothing else can be asked for
 * @typedef {{ prefix: string, dir: string }} Mount `prefix` begins and ends with a slash
 */

/** Codings of the precompressed neighbours `x.br`, `x.gz`, best first. */
export const VARIANTS = [
  { encoding: 'br', suffix: '.br' },
  { encoding: 'gzip', suffix: '.gz' },
];

const IMMUTABLE = 'public, max-age=31536000, immutable';
const REVALIDATE = 'no-cache';

/**
 * Reads the folders once. Hidden files and symbolic links are left out; `index.html` also answers for its folder.
 * @param {readonly Mount[]} mounts later mounts win
 * @returns {Promise<Site>}
 */
export async function readSite(mounts) {
  /** @type {Site} */
  const site = new Map();
  for (const { prefix, dir } of mounts) {
    const files = new Set(await listFiles(dir));
    for (const file of files) {
      if (VARIANTS.some(({ suffix }) => file.endsWith(suffix) && files.has(file.slice(0, -suffix.length))))
        continue;
      const blob = await readBlob(join(dir, file));
      const variants = [];
      for (const { encoding, suffix } of VARIANTS) {
        if (!files.has(file + suffix)) continue;
        const variant = await readBlob(join(dir, file + suffix));
        if (variant.mtimeMs >= blob.mtimeMs && variant.size < blob.size)
          variants.push({ encoding, blob: variant });
      }
      // Vite writes a content hash into every name below assets/.
      const cacheControl = file.startsWith('assets/') ? IMMUTABLE : REVALIDATE;
      const entry = { blob, type: mediaType(file), cacheControl, variants };
      site.set(prefix + file, entry);
      if (file === 'index.html' || file.endsWith('/index.html')) site.set(prefix + file.slice(0, -10), entry);
    }
  }
  return site;
}

/**
 * @param {string} root
 * @param {string} below
 * @returns {Promise<string[]>} paths relative to `root`, with forward slashes
 */
async function listFiles(root, below = '') {
  const found = [];
  for (const item of await readdir(join(root, below), { withFileTypes: true })) {
    if (item.name.startsWith('.')) continue;
    if (item.isDirectory()) found.push(...(await listFiles(root, `${below}${item.name}/`)));
    else if (item.isFile()) found.push(below + item.name);
  }
  return found.sort();
}

/**
 * @param {string} path
 * @returns {Promise<Blob>}
 */
async function readBlob(path) {
  const { size, mtimeMs } = await stat(path);
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return { path, size, mtimeMs, etag: `"sha256:${hash.digest('hex')}"` };
}
