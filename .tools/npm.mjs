// Node packages from the lock file. Uses Node's own modules only, since nothing is installed before it has run.
import { existsSync } from 'node:fs';
import { lstat, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, step, stop } from './log.mjs';
import { root, which } from './paths.mjs';
import { hashOf } from './stamp.mjs';

export async function installNodePackages() {
  if (Number(process.versions.node.split('.')[0]) < 20)
    stop(`Node 20 or newer is needed; this is ${process.version}`);
  const folder = join(root, 'node_modules');
  const stamp = join(folder, '.kinglet');
  const hash = await hashOf(['package.json', 'package-lock.json']);
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === hash) return;
  // A linked folder belongs to another checkout.
  if (existsSync(folder) && (await lstat(folder)).isSymbolicLink()) return;
  if (!which('npm')) stop('npm is missing; it comes with Node 20');
  await step('Node packages (npm ci)', async () => {
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: root });
    await writeFile(stamp, hash);
  });
}
