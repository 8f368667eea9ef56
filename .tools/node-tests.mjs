// Tests under Node: tests/**/*.test.mjs as they are, tests/**/*.test.ts from build/js. By hand: node .tools/node-tests.mjs [folder or file ...]
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { main, run, step, stop } from './log.mjs';
import { build, root } from './paths.mjs';
import { unlessFresh } from './stamp.mjs';

const inputs = ['web', 'tests', 'models', 'server-stub', 'tsconfig.json', 'package-lock.json'];

async function compileTypeScript() {
  await step('TypeScript tests (build/js)', () =>
    unlessFresh('js-tests', inputs, ['build/js'], async () => {
      await rm(join(build, 'js'), { recursive: true, force: true });
      await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], { cwd: root });
    }),
  );
}

/**
 * Test files at or below the given paths of the project.
 * @param {string[]} paths
 */
async function find(paths) {
  const found = [];
  for (const path of paths) {
    if (!existsSync(join(root, path))) stop(`no such test file or folder: ${path}`);
    const below = /\.test\.(mjs|ts)$/.test(path)
      ? ['']
      : await readdir(join(root, path), { recursive: true });
    for (const file of below.sort()) if (/\.test\.(mjs|ts)$/.test(path + file)) found.push(join(path, file));
  }
  return found.map((file) => file.replace(/\/$/, ''));
}

/**
 * Runs the tests and returns how many passed, failed and were skipped. `apart` leaves folders out.
 * @param {string[]} paths
 * @param {{ apart?: string[], parallel?: number }} [options]
 * @returns {Promise<{ passed: number, failed: number, skipped: number }>}
 */
export async function nodeTests(paths, { apart = [], parallel = 1 } = {}) {
  const sources = (await find(paths)).filter(
    (file) => !apart.some((folder) => file.startsWith(`${folder}/`)),
  );
  if (sources.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  if (sources.some((file) => file.endsWith('.ts'))) await compileTypeScript();
  const files = sources.map((file) =>
    file.endsWith('.ts') ? join('build/js', file.replace(/ts$/, 'js')) : file,
  );
  const report = join(build, `report-${process.pid}.json`);
  await mkdir(build, { recursive: true });
  // Node 20 has relaxed SIMD behind a flag; newer ones have it always and may not know the flag.
  const relaxed =
    Number(process.versions.node.split('.')[0]) < 22 ? ['--experimental-wasm-relaxed-simd'] : [];
  const args = [
    ...relaxed,
    '--test',
    `--test-concurrency=${parallel}`,
    '--test-reporter=./.tools/report.mjs',
    '--test-reporter-destination=stdout',
    ...files,
  ];
  const { code } = await run(process.execPath, args, {
    cwd: root,
    live: true,
    allowFailure: true,
    env: { ...process.env, KINGLET_REPORT: report },
  });
  if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
  const counts = JSON.parse(await readFile(report, 'utf8'));
  await rm(report);
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const given = process.argv.slice(2);
    const { failed } = await nodeTests(given.length ? given : ['tests'], {
      apart: given.length ? [] : ['tests/e2e', 'tests/bench'],
    });
    if (failed) stop(`${failed} failed`);
  });
}
