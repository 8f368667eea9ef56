// Installs the Debian packages of packages.mjs that are missing.
import { run, step, stop } from './log.mjs';
import { packages } from './packages.mjs';
import { which } from './paths.mjs';

/** @param {string[]} names */
async function missing(names) {
  if (!which('dpkg-query')) return undefined;
  const { text } = await run('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...names], {
    allowFailure: true,
  });
  const installed = new Set(
    text
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}

/**
 * Installs the packages of the given uses (`build`, `test`, `models`); a no-op when all are there.
 * @param {string[]} uses
 */
export async function installPackages(uses) {
  const wanted = packages.filter((row) => uses.includes(row.for));
  const absent = await missing(wanted.map((row) => row.name));
  /** @param {typeof packages} rows */
  const list = (rows) => rows.map((row) => `  ${row.name}: ${row.why}`).join('\n');
  if (absent === undefined) {
    console.log(
      `This is not a Debian system. Kinglet's scripts expect these to be installed by other means:\n${list(wanted)}`,
    );
    return;
  }
  if (absent.length === 0) return;
  if (process.getuid?.() !== 0 || !which('apt-get')) {
    const rows = wanted.filter((row) => absent.includes(row.name));
    stop(
      `these Debian packages are missing:\n${list(rows)}\nAs root: apt-get update && apt-get install ${absent.join(' ')}`,
    );
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await step(`installing ${absent.length} Debian packages: ${absent.join(' ')}`, async () => {
    await run('apt-get', ['update', '-q'], { env });
    await run('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...absent], { env });
  });
}
