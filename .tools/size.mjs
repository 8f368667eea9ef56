// The size budget of the wasm files. By hand: node .tools/size.mjs
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';
import { variants } from './cmake.mjs';
import { build } from './paths.mjs';

// Bytes, for one build with all of ONNX in it.
const budget = { raw: 1_500_000, brotli: 400_000 };

/** @param {string} file */
export function sizeOf(file) {
  const bytes = readFileSync(file);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return { raw: bytes.length, brotli: brotliCompressSync(bytes, { params }).length };
}

/** One line per file, and which limits are passed. */
export function checkSizes(files = variants.map((name) => join(build, `wasm/kinglet-${name}.wasm`))) {
  const lines = [];
  const failures = [];
  for (const file of files) {
    if (!existsSync(file)) {
      failures.push(`${file} is missing`);
      continue;
    }
    const size = sizeOf(file);
    for (const kind of /** @type {const} */ (['raw', 'brotli'])) {
      const text = `${file.split('/').pop()} ${kind} ${size[kind].toLocaleString('en')} of ${budget[kind].toLocaleString('en')} bytes`;
      lines.push(text);
      if (size[kind] > budget[kind]) failures.push(`over the size budget: ${text}`);
    }
  }
  return { lines, failures };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { lines, failures } = checkSizes();
  console.log([...lines, ...failures].join('\n'));
  process.exitCode = failures.length ? 1 : 0;
}
