// npm run bench: builds, then runs tests/bench/*.bench.mjs one after the other. Arguments after -- choose
// files by part of the name; from the first option on they are the files' own: npm run bench -- --models det --rounds 3
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { installPackages } from './apt.mjs';
import { buildAll } from './build.mjs';
import { fillCatalog } from './catalog.mjs';
import { main, run, step, stop } from './log.mjs';
import { installNodePackages } from './npm.mjs';
import { root } from './paths.mjs';
import { fetchTestdata } from './testdata.mjs';

await main(async () => {
  await installPackages(['build', 'test', 'models']);
  await installNodePackages();
  await fetchTestdata();
  await buildAll(['all']);
  await fillCatalog();
  const folder = join(root, 'tests/bench');
  const given = process.argv.slice(2);
  const option = given.findIndex((argument) => argument.startsWith('-'));
  const wanted = option < 0 ? given : given.slice(0, option);
  const passedOn = option < 0 ? [] : given.slice(option);
  const files = (existsSync(folder) ? await readdir(folder) : [])
    .filter((file) => file.endsWith('.bench.mjs'))
    .filter((file) => !wanted.length || wanted.some((part) => file.includes(part)));
  if (files.length === 0) stop('no benchmark of that name in tests/bench (*.bench.mjs)');
  const relaxed =
    Number(process.versions.node.split('.')[0]) < 22 ? ['--experimental-wasm-relaxed-simd'] : [];
  for (const file of files.sort()) {
    await step(file, () =>
      run(process.execPath, [...relaxed, join(folder, file), ...passedOn], { cwd: root, live: true }).then(
        () => '',
      ),
    );
  }
});
