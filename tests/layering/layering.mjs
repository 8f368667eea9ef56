// Which folder of wasm/ includes which, held against the "may include" column of wasm/README.md; and what the console
// imports. By hand: node tests/layering/layering.mjs
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const project = join(dirname(fileURLToPath(import.meta.url)), '../..');
// The core reports failures as values and prints nothing.
const unwanted = ['<iostream>', '<cassert>', '<assert.h>', '<exception>', '<stdexcept>', '<typeinfo>'];

/** Folder -> the folders it may include, read from the table of wasm/README.md. */
export function readLayers(readme) {
  const rows = [...readme.matchAll(/^\| `(\w+)\/` \|.*\|([^|]*)\|\s*$/gm)];
  return new Map(
    rows.map(([, folder, list]) => [folder, list.split(',').flatMap((name) => name.trim() || [])]),
  );
}

function filesBelow(folder, ending) {
  return readdirSync(folder, { recursive: true })
    .filter((file) => ending.test(file))
    .sort();
}

/** Lines of the form "file:line: what is wrong". */
export function checkCore(root = project) {
  const wasm = join(root, 'wasm');
  const layers = readLayers(readFileSync(join(wasm, 'README.md'), 'utf8'));
  const failures = [];
  if (layers.size === 0) failures.push('wasm/README.md: no table of folders was found');
  for (const [folder, list] of layers) {
    for (const name of list)
      if (layers.get(name)?.includes(folder))
        failures.push(`wasm/README.md: ${folder} and ${name} may include each other`);
    for (const name of list)
      if (!layers.has(name)) failures.push(`wasm/README.md: ${folder} may include ${name}, which has no row`);
  }
  for (const file of filesBelow(wasm, /\.(cc|h|inc)$/)) {
    const folder = file.split('/')[0];
    const allowed = layers.get(folder);
    if (!allowed) {
      failures.push(`wasm/${file}: the folder ${folder}/ has no row in wasm/README.md`);
      continue;
    }
    const lines = readFileSync(join(wasm, file), 'utf8').split('\n');
    lines.forEach((line, at) => {
      const where = `wasm/${file}:${at + 1}:`;
      const [, bracket, target] = /^\s*#\s*include\s*(["<])([^">]+)[">]/.exec(line) ?? [];
      if (bracket === '"') {
        const to = posix.normalize(target).split('/')[0];
        if (!target.includes('/') || to === '..')
          failures.push(`${where} write "${target}" from the wasm/ root`);
        else if (to !== folder && !allowed.includes(to)) {
          failures.push(
            `${where} ${folder}/ must not include ${to}/ ("${target}"); it may include: ${allowed.join(', ') || 'nothing'}`,
          );
        }
      } else if (unwanted.includes(`<${target}>`)) failures.push(`${where} <${target}> is not for the core`);
    });
  }
  return failures;
}

/** The console sees the package as any user does: by its name or its index. */
export function checkConsole(root = project) {
  const folder = join(root, 'web/console');
  let files = [];
  try {
    files = filesBelow(folder, /\.(ts|tsx|mts|mjs)$/);
  } catch {
    return [];
  }
  return files.flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .flatMap((line, at) => {
        const target = /(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/.exec(line)?.[1];
        if (!target) return [];
        const path = posix.normalize(posix.join('web/console', posix.dirname(file), target));
        if (!path.startsWith('web/src/') || /^web\/src\/index\.(js|ts)$/.test(path)) return [];
        return [
          `web/console/${file}:${at + 1}: the console must not import ${path}; use the package's public surface`,
        ];
      }),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const failures = [...checkCore(), ...checkConsole()];
  console.log(failures.join('\n') || 'layering: every include points down');
  process.exitCode = failures.length ? 1 : 0;
}
