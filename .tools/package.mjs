// dist/: the npm package's JavaScript, type declarations and the two wasm files.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run, step } from './log.mjs';
import { build, root } from './paths.mjs';
import { unlessFresh } from './stamp.mjs';

const inputs = ['web/src', 'tsconfig.json', 'tsconfig.package.json', 'package-lock.json'];

export async function buildPackage() {
  if (!existsSync(join(root, 'web/src/index.ts'))) return;
  const dist = join(root, 'dist');
  await step('package (dist/)', async () => {
    const note = await unlessFresh('package', inputs, ['dist/index.js'], async () => {
      await rm(dist, { recursive: true, force: true });
      await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.package.json'], {
        cwd: root,
      });
    });
    await mkdir(dist, { recursive: true });
    const wasm = join(build, 'wasm');
    for (const name of existsSync(wasm) ? await readdir(wasm) : []) {
      if (name.endsWith('.wasm')) await copyFile(join(wasm, name), join(dist, name));
    }
    return note;
  });
}
