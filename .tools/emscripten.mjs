// Finds Emscripten 3.1.58 or newer: on PATH, in $EMSDK, or Debian 13's 3.1.69 unpacked into the cache folder.
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unpack } from './debian.mjs';
import { run, step, stop } from './log.mjs';
import { cache, which } from './paths.mjs';

const minimum = [3, 1, 58];
const prefix = join(cache, 'emscripten-3.1.69');
const triple = 'x86_64-linux-gnu';

/** @param {string} emcc */
async function recentEnough(emcc) {
  const { code, text } = await run(emcc, ['--version'], { allowFailure: true });
  const version = /\b(\d+)\.(\d+)\.(\d+)\b/.exec(text)?.slice(1).map(Number);
  if (code !== 0 || !version) return false;
  for (let i = 0; i < 3; i++) if (version[i] !== minimum[i]) return version[i] > minimum[i];
  return true;
}

/** Makes the unpacked Debian 13 packages usable on an older Debian: its own C library for binaryen, clang 19 of the system. */
async function assemble() {
  const em = join(prefix, 'usr/share/emscripten');
  const lib = join(prefix, 'usr/lib', triple);
  const bin = join(prefix, 'binaryen/bin');
  await mkdir(bin, { recursive: true });
  for (const tool of await readdir(join(prefix, 'usr/bin'))) {
    if (!/^(wasm|binaryen)/.test(tool)) continue;
    const path = join(bin, tool);
    const target = join(prefix, 'usr/bin', tool);
    await writeFile(
      path,
      `#!/bin/sh\nexec '${lib}/ld-linux-x86-64.so.2' --library-path '${lib}' '${target}' "$@"\n`,
    );
    await chmod(path, 0o755);
  }
  const acorn = join(em, 'node_modules/acorn');
  await mkdir(join(em, 'node_modules'), { recursive: true });
  await rm(acorn, { recursive: true, force: true });
  await symlink(join(prefix, 'usr/share/nodejs/acorn'), acorn);
  const settings = {
    LLVM_ROOT: '/usr/bin',
    LLVM_ADD_VERSION: '19',
    CLANG_ADD_VERSION: '19',
    BINARYEN_ROOT: join(prefix, 'binaryen'),
    NODE_JS: process.execPath,
    CACHE: join(em, 'cache'),
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = '${value}'`);
  await writeFile(join(prefix, 'config.py'), `${lines.join('\n')}\nFROZEN_CACHE = True\n`);
}

/**
 * A small program with a relaxed SIMD instruction, compiled and run: the proof that the tool chain works.
 * @param {{ folder: string, emxx: string, env: NodeJS.ProcessEnv }} tool
 */
async function prove(tool) {
  const folder = join(cache, `emscripten-proof-${process.pid}`);
  await mkdir(folder, { recursive: true });
  try {
    const source = `#include <wasm_simd128.h>
#include <cstdio>
int main(int argc, char**) {
  v128_t x = wasm_f32x4_splat(static_cast<float>(argc));
  v128_t y = wasm_f32x4_relaxed_madd(x, wasm_f32x4_const(1, 2, 3, 4), wasm_f32x4_splat(0.5f));
  std::printf("%g\\n", wasm_f32x4_extract_lane(y, 3));
}
`;
    await writeFile(join(folder, 'proof.cc'), source);
    const args = ['-O2', '-msimd128', '-mrelaxed-simd', 'proof.cc', '-o', 'proof.js'];
    await run(tool.emxx, args, { cwd: folder, env: tool.env });
    const { text } = await run(process.execPath, ['--experimental-wasm-relaxed-simd', 'proof.js'], {
      cwd: folder,
    });
    if (text.trim() !== '4.5')
      stop(`the Emscripten in ${tool.folder} compiles, but its program printed: ${text}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns {Promise<{folder: string, emxx: string, env: NodeJS.ProcessEnv}>} the compiler and the environment to call it in */
export async function emscripten() {
  /** @param {string} folder */
  const own = (folder) => ({ folder, emxx: join(folder, 'em++'), env: { ...process.env } });
  const onPath = which('emcc');
  if (onPath && (await recentEnough(onPath))) return own(join(onPath, '..'));
  const sdk = process.env.EMSDK && join(process.env.EMSDK, 'upstream/emscripten');
  if (sdk && existsSync(join(sdk, 'emcc')) && (await recentEnough(join(sdk, 'emcc')))) return own(sdk);

  const folder = join(prefix, 'usr/share/emscripten');
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, EM_CONFIG: join(prefix, 'config.py'), EMSDK_PYTHON: '/usr/bin/python3' };
  env.PATH = `/usr/bin:${process.env.PATH}`;
  delete env.EMSDK;
  const tool = { folder, emxx: join(folder, 'em++'), env };
  const ready = join(prefix, 'ready');
  if (existsSync(ready) && (await readFile(ready, 'utf8')) === process.execPath) return tool;
  if (process.arch !== 'x64' || !which('apt-get')) {
    stop(
      'Emscripten 3.1.58 or newer is needed: put emcc on PATH or set EMSDK (emscripten.org, "emsdk install 3.1.69").',
    );
  }
  const names = ['emscripten', 'binaryen', 'libc6', 'libstdc++6', 'libgcc-s1', 'node-acorn'];
  await step('fetching Emscripten 3.1.69 (237 MB, once)', async () => {
    if (!existsSync(folder)) await unpack('trixie', names, prefix);
    await assemble();
    await prove(tool);
    await writeFile(ready, process.execPath);
  });
  return tool;
}
