// node .tools/lock.mjs: makes package-lock.json anew from package.json. Optional packages of other platforms that the
// registry at hand lacks are added as rows without a checksum, or npm ci would refuse the file.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { main, run, step } from './log.mjs';
import { root } from './paths.mjs';

const platform =
  /(android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)(musl)?-(arm64|arm|ia32|ppc64|riscv64|s390x|x64)/;

await main(async () => {
  const path = join(root, 'package-lock.json');
  await step('package-lock.json', async () => {
    await run('npm', ['install', '--package-lock-only', '--ignore-scripts', '--no-audit'], { cwd: root });
    const lock = JSON.parse(await readFile(path, 'utf8'));
    const rows = lock.packages;
    const added = [];
    for (const [owner, row] of Object.entries(rows)) {
      for (const [name, version] of Object.entries(row.optionalDependencies ?? {})) {
        const [, os, libc, cpu] = platform.exec(name) ?? [];
        if (rows[`node_modules/${name}`] || rows[`${owner}/node_modules/${name}`] || !os) continue;
        const musl = libc || name.endsWith('musl');
        rows[`node_modules/${name}`] = {
          version: version.replace(/^[\^~]/, ''),
          cpu: [cpu],
          dev: true,
          ...(musl && { libc: ['musl'] }),
          license: row.license,
          optional: true,
          os: [os],
        };
        added.push(name);
      }
      delete row.resolved;
    }
    lock.packages = Object.fromEntries(Object.entries(rows).sort(([a], [b]) => a.localeCompare(b, 'en')));
    await writeFile(path, `${JSON.stringify(lock, null, 2)}\n`);
    return `${added.length} rows added`;
  });
});
