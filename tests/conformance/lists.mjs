// The committed list: passing.txt has one case name a line.
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
