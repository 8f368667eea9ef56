// npm run build [target ...]: native release simd relaxed simd-threads relaxed-threads wasm wasm-tests abi package console. Without targets: abi wasm package console.
import { pathToFileURL } from 'node:url';
import { buildAbi } from './abi.mjs';
import { installPackages } from './apt.mjs';
import { cmakeBuild, variants } from './cmake.mjs';
import { buildConsole } from './console.mjs';
import { main, stop } from './log.mjs';
import { installNodePackages } from './npm.mjs';
import { buildPackage } from './package.mjs';

/** @param {string} variant */
const productOf = (variant) => `kinglet-${variant}`;

/** @type {Record<string, () => Promise<unknown>>} */
const targets = {
  native: () => cmakeBuild('native'),
  release: () => cmakeBuild('release'),
  'wasm-tests': () => cmakeBuild('emscripten'),
  wasm: () => cmakeBuild('emscripten', variants.map(productOf)),
  ...Object.fromEntries(variants.map((name) => [name, () => cmakeBuild('emscripten', [productOf(name)])])),
  abi: buildAbi,
  package: buildPackage,
  console: buildConsole,
};
/** @type {Record<string, string[]>} */
const groups = { all: ['abi', 'wasm', 'package', 'console'] };

/** @param {string[]} names */
export async function buildAll(names) {
  const wanted = (names.length ? names : ['all']).flatMap((name) => groups[name] ?? [name]);
  for (const name of wanted) if (!targets[name]) stop(`no such build target: ${name}`);
  await installPackages(
    wanted.some((name) => name === 'native' || name.endsWith('-tests')) ? ['build', 'test'] : ['build'],
  );
  if (wanted.some((name) => name === 'package' || name === 'console')) await installNodePackages();
  for (const name of wanted) await targets[name]();
}

if (import.meta.url === pathToFileURL(process.argv[1]).href)
  await main(() => buildAll(process.argv.slice(2)));
