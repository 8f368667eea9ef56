// npm run lint: Biome, clang-format, clang-tidy, tsc. `--write` formats instead (npm run format).
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { installPackages } from './apt.mjs';
import { cmakeBuild } from './cmake.mjs';
import { main, run, step, stop } from './log.mjs';
import { installNodePackages } from './npm.mjs';
import { cache, root } from './paths.mjs';
import { unlessFresh } from './stamp.mjs';

/**
 * @param {string[]} folders
 * @param {RegExp} ending
 */
async function filesBelow(folders, ending) {
  const found = [];
  for (const folder of folders) {
    if (!existsSync(join(root, folder))) continue;
    for (const file of await readdir(join(root, folder), { recursive: true })) {
      if (ending.test(file)) found.push(join(folder, file));
    }
  }
  return found.sort();
}

/** @param {boolean} write */
async function biome(write) {
  const args = [
    'node_modules/@biomejs/biome/bin/biome',
    'check',
    '--colors=off',
    '--error-on-warnings',
    ...(write ? ['--write'] : []),
    '.',
  ];
  await run(process.execPath, args, { cwd: root });
}

/** @param {boolean} write */
async function clangFormat(write) {
  const files = await filesBelow(['wasm', 'tests'], /\.(cc|h)$/);
  await run('clang-format-19', [...(write ? ['-i'] : ['--dry-run', '-Werror']), ...files], { cwd: root });
  return `${files.length} files`;
}

/** Every tsconfig.json of the project with what it covers. */
async function typeCheck() {
  const configs = [
    'tsconfig.json',
    ...(await filesBelow(['.tools', 'web', 'server-stub', 'models', 'tests'], /(^|\/)tsconfig\.json$/)),
  ];
  const inputs = ['.tools', 'web', 'server-stub', 'models', 'tests', 'tsconfig.json', 'package-lock.json'];
  return unlessFresh('types', inputs, [], async () => {
    for (const config of configs) {
      await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', config, '--noEmit'], {
        cwd: root,
      });
    }
    return `${configs.length} configurations`;
  });
}

/**
 * Source file -> the project's files it is compiled from, as ninja knows them.
 * @param {string} folder
 * @returns {Promise<Map<string, string[]>>}
 */
async function sourcesOf(folder) {
  const { text } = await run('ninja', ['-C', folder, '-t', 'deps']);
  const result = new Map();
  for (const block of text.split('\n\n')) {
    const own = block
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
      .map((file) => relative(root, file.startsWith('/') ? file : join(folder, file)))
      .filter((file) => file.startsWith('wasm/'));
    if (own[0]?.endsWith('.cc')) result.set(own[0], own.sort());
  }
  return result;
}

/** Checks the files that changed, or whose includes did, since they last passed; the memory of that is in the cache folder. */
async function clangTidy() {
  const folder = await cmakeBuild('native');
  const passed = join(cache, 'tidy');
  await mkdir(passed, { recursive: true });
  const rules = await readFile(join(root, '.clang-tidy'));
  /** @type {{ file: string, mark: string }[]} */
  const work = [];
  for (const [file, sources] of await sourcesOf(folder)) {
    const hash = createHash('sha256').update(rules);
    for (const source of sources)
      if (existsSync(join(root, source))) hash.update(source).update(await readFile(join(root, source)));
    const mark = join(passed, hash.digest('hex'));
    if (existsSync(join(root, file)) && !existsSync(mark)) work.push({ file, mark });
  }
  const count = work.length;
  /** @type {string[]} */
  const failures = [];
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (let item = work.pop(); item; item = work.pop()) {
        const { code, text } = await run('clang-tidy-19', ['--quiet', '-p', folder, item.file], {
          cwd: root,
          allowFailure: true,
        });
        if (code === 0) await writeFile(item.mark, '');
        else failures.push(text.replace(/^.*warnings generated.*\n/gm, ''));
      }
    }),
  );
  // A header's failure comes once for each file that includes it.
  const blocks = failures.join('\n').split(/\n(?=\S+:\d+:\d+: )/);
  if (failures.length) stop([...new Set(blocks.map((block) => block.trimEnd()))].join('\n'));
  return `${count} files`;
}

/** @type {[string, (write: boolean) => Promise<unknown>][]} */
export const checks = [
  ['Biome', biome],
  ['clang-format', clangFormat],
  ['TypeScript types', typeCheck],
  ['clang-tidy', clangTidy],
];

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => {
    const write = process.argv.includes('--write');
    await installPackages(['build', 'test']);
    await installNodePackages();
    for (const [name, check] of write ? checks.slice(0, 2) : checks) await step(name, () => check(write));
  });
}
