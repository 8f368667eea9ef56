// Configures and builds one of the CMake configurations into build/<name>.
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { emscripten } from './emscripten.mjs';
import { run, step } from './log.mjs';
import { build, cache, root } from './paths.mjs';

const native = { CMAKE_CXX_COMPILER: 'clang++-19' };
/** @type {Record<string, { wasm: boolean, define: Record<string, string> }>} */
export const configurations = {
  native: { wasm: false, define: native },
  release: { wasm: false, define: { ...native, KINGLET_SANITIZE: 'OFF' } },
  emscripten: { wasm: true, define: {} },
};

/** The builds of the engine that the package has: targets of the emscripten configuration. */
export const variants = ['simd', 'relaxed', 'simd-threads', 'relaxed-threads'];

// npm start does without the tests; their library may come later.
const doctest = '/usr/include/doctest/doctest.h';

/** ccache shares results between checkouts; a cache folder that is set already wins. */
export function ccacheEnvironment(env = process.env) {
  return { CCACHE_DIR: join(cache, 'ccache'), CCACHE_BASEDIR: root, CCACHE_NOHASHDIR: '1', ...env };
}

/**
 * Builds `targets` (all when empty) of a configuration; returns its build folder.
 * @param {string} name
 * @param {string[]} targets
 */
export async function cmakeBuild(name, targets = []) {
  const { wasm, define } = configurations[name];
  const folder = join(build, name);
  const tool = wasm ? await emscripten() : { folder: '', env: process.env };
  const env = ccacheEnvironment(tool.env);
  /** @type {Record<string, string>} */
  const values = { CMAKE_BUILD_TYPE: 'None', KINGLET_TESTS: existsSync(doctest) ? 'ON' : 'OFF', ...define };
  if (wasm) values.CMAKE_TOOLCHAIN_FILE = join(tool.folder, 'cmake/Modules/Platform/Emscripten.cmake');
  const args = [
    '-S',
    root,
    '-B',
    folder,
    '-G',
    'Ninja',
    ...Object.entries(values).map(([key, value]) => `-D${key}=${value}`),
  ];
  const stamp = join(folder, 'configured');
  const described = JSON.stringify(args);
  await mkdir(folder, { recursive: true });
  await step(`C++ ${name}${targets.length ? ` (${targets.join(' ')})` : ''}`, async () => {
    if (!existsSync(stamp) || (await readFile(stamp, 'utf8')) !== described) {
      await run('cmake', ['--fresh', ...args], { env });
      await writeFile(stamp, described);
    }
    const { text } = await run('ninja', ['-C', folder, `-j${availableParallelism()}`, ...targets], { env });
    return text.includes('no work to do')
      ? 'nothing to do'
      : `${text.match(/^\[\d+\/\d+\] Building/gm)?.length ?? 0} files`;
  });
  return folder;
}
