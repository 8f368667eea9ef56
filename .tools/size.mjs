// The size budget of the wasm files, and where their bytes come from. By hand: node .tools/size.mjs [--by-folder | --by-file] [simd | relaxed | ...]
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
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

/**
 * Where a piece of a linker map comes from: "wasm/ops/pad.cc", or the archive of a system library.
 * @param {string} input as the map names it, without the symbol
 */
function originOf(input) {
  const own = /\.dir\/(wasm\/.+)\.o$/.exec(input);
  if (own) return own[1];
  const archive = /([^/]+)\.a\([^)]*\)$/.exec(input);
  if (archive) return `system/${archive[1]}`;
  // Strings and tables that the linker merges belong to no file.
  return input === '<internal>' ? 'merged strings' : `system/${input.split('/').pop()}`;
}

/**
 * Bytes of code and data per source file, from the linker's map: before wasm-opt, which makes the whole some 8% smaller.
 * @param {string} map
 * @returns {Map<string, { code: number, data: number, functions: number }>}
 */
export function bytesByFile(map) {
  const files = new Map();
  let section = '';
  for (const line of map.split('\n')) {
    const row = /^\s*(?:-|[0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+) ( *)(.+)$/.exec(line);
    if (!row) continue;
    const [, size, indent, text] = row;
    // Sections stand at the margin, pieces of input files are indented once, symbols twice.
    if (indent.length === 0) section = text;
    if (indent.length !== 8) continue;
    const piece = /^(.*):\((.*)\)$/.exec(text);
    if (!piece) continue;
    const origin = originOf(piece[1]);
    const entry = files.get(origin) ?? { code: 0, data: 0, functions: 0 };
    const isCode = section === 'CODE';
    entry[isCode ? 'code' : 'data'] += Number.parseInt(size, 16);
    if (isCode) entry.functions++;
    files.set(origin, entry);
  }
  return files;
}

/**
 * Sums over folders: all of a layer, but kernels by family.
 * @param {ReturnType<typeof bytesByFile>} files
 */
export function bytesByFolder(files) {
  /** @type {ReturnType<typeof bytesByFile>} */
  const folders = new Map();
  for (const [file, { code, data, functions }] of files) {
    const folder = file.startsWith('system/') ? 'system' : file.includes('/') ? dirname(file) : file;
    const sum = folders.get(folder) ?? { code: 0, data: 0, functions: 0 };
    folders.set(folder, {
      code: sum.code + code,
      data: sum.data + data,
      functions: sum.functions + functions,
    });
  }
  return folders;
}

/** @param {ReturnType<typeof bytesByFile>} rows */
function table(rows) {
  const number = (/** @type {number} */ n) => n.toLocaleString('en').padStart(10);
  const all = { code: 0, data: 0, functions: 0 };
  const lines = [`      code       data  functions`];
  const sorted = [...rows].sort(([, a], [, b]) => b.code + b.data - a.code - a.data);
  for (const [name, row] of [...sorted, /** @type {const} */ (['all, before wasm-opt', all])]) {
    if (row !== all)
      for (const key of /** @type {const} */ (['code', 'data', 'functions'])) all[key] += row[key];
    lines.push(`${number(row.code)} ${number(row.data)} ${number(row.functions)}  ${name}`);
  }
  return lines.join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { 'by-folder': { type: 'boolean' }, 'by-file': { type: 'boolean' } },
  });
  if (values['by-folder'] || values['by-file']) {
    const map = join(build, 'emscripten', `kinglet-${positionals[0] ?? 'simd'}.map`);
    const files = bytesByFile(readFileSync(map, 'utf8'));
    console.log(table(values['by-file'] ? files : bytesByFolder(files)));
  }
  const { lines, failures } = checkSizes();
  console.log([...lines, ...failures].join('\n'));
  process.exitCode = failures.length ? 1 : 0;
}
