// Fetches packages of another Debian release from the machine's own archive and unpacks them into a folder,
// beside the machine's own package lists and without touching the system.
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run, stop } from './log.mjs';
import { which } from './paths.mjs';

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The address of the Debian archive this machine is set up with. */
async function archive() {
  const query = ['indextargets', '--format', '$(ORIGIN) $(LABEL) $(SITE)', 'Created-By: Packages'];
  const find = async () => {
    const { text } = await run('apt-get', query, { allowFailure: true });
    return text
      .split('\n')
      .map((line) => line.split(' '))
      .find(([origin, label]) => origin === 'Debian' && label === 'Debian')?.[2];
  };
  let site = await find();
  if (!site && process.getuid?.() === 0) {
    await run('apt-get', ['update', '-q']);
    site = await find();
  }
  return site ?? stop('apt knows no Debian archive on this machine. As root: apt-get update');
}

/**
 * Unpacks `names` of release `suite` into `target`. `target` appears only when all of them are complete.
 * @param {string} suite
 * @param {string[]} names
 * @param {string} target
 */
export async function unpack(suite, names, target) {
  if (!which('apt-get') || !which('dpkg-deb'))
    stop(`${names.join(', ')} of Debian ${suite}: apt-get and dpkg-deb are needed`);
  await mkdir(dirname(target), { recursive: true });
  const work = await mkdtemp(`${target}.part-`);
  try {
    const lists = join(work, 'lists');
    const sources = join(work, 'sources.list');
    const debs = join(work, 'debs');
    const out = join(work, 'out');
    for (const folder of [join(lists, 'partial'), debs, out]) await mkdir(folder, { recursive: true });
    await writeFile(sources, `deb [signed-by=${keyring}] ${await archive()} ${suite} main\n`);
    const options = [
      `Dir::Etc::sourcelist=${sources}`,
      'Dir::Etc::sourceparts=-',
      `Dir::State::Lists=${lists}`,
      `Dir::Cache=${join(work, 'cache')}`,
      'APT::Sandbox::User=',
      'Acquire::Languages=none',
    ].flatMap((option) => ['-o', option]);
    await mkdir(join(work, 'cache', 'archives', 'partial'), { recursive: true });
    await run('apt-get', [...options, 'update', '-q']);
    await run('apt-get', [...options, 'download', '-q', ...names], { cwd: debs });
    for (const file of await readdir(debs)) await run('dpkg-deb', ['-x', join(debs, file), out]);
    await rm(target, { recursive: true, force: true });
    await rename(out, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
