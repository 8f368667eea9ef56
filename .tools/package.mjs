// dist/: the npm package's two scripts, type declarations and wasm files. The modules that the scripts are made of stay in
// build/package/, where tests reach them one by one.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run, step } from './log.mjs';
import { build, root } from './paths.mjs';
import { unlessFresh } from './stamp.mjs';

const inputs = [
  'web/src',
  'web/rolldown.config.mjs',
  'tsconfig.json',
  'tsconfig.package.json',
  'package-lock.json',
];

export async function buildPackage() {
  if (!existsSync(join(root, 'web/src/index.ts'))) return;
  const dist = join(root, 'dist');
  await step('package (dist/)', async () => {
    const note = await unlessFresh('package', inputs, ['dist/index.js'], async () => {
      for (const folder of [dist, join(build, 'package')]) await rm(folder, { recursive: true, force: true });
      for (const command of [
        ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.package.json'],
        ['node_modules/rolldown/bin/cli.mjs', '-c', 'web/rolldown.config.mjs', '--logLevel', 'warn'],
      ])
        await run(process.execPath, command, { cwd: root });
    });
    await mkdir(dist, { recursive: true });
    const wasm = join(build, 'wasm');
    for (const name of existsSync(wasm) ? await readdir(wasm) : []) {
      if (name.endsWith('.wasm')) await copyFile(join(wasm, name), join(dist, name));
    }
    return note;
  });
}
