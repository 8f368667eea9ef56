// The committed lists: passing.txt has one case name a line; skip.txt has `pattern: reason` (* stands for anything).
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));

async function lines(name) {
  const text = await readFile(path(name), 'utf8');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

export const readPassing = () => lines('passing.txt');

export const writePassing = (names) =>
  writeFile(path('passing.txt'), names.map((name) => `${name}\n`).join(''));

/** @returns {Promise<(name: string) => string | undefined>} the reason why a case is not run */
export async function readSkips() {
  const rows = (await lines('skip.txt')).map((line) => {
    const [, pattern, reason] = /^(\S+): (.+)$/.exec(line) ?? [];
    if (!reason) throw new Error(`skip.txt: a skip needs a reason: ${line}`);
    const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
    return { expression: new RegExp(`^${escaped}$`), reason };
  });
  return (name) => rows.find(({ expression }) => expression.test(name))?.reason;
}
