// Runs measure.mjs in a process of its own per runtime, judges its rows, and shows them as a table.
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from '../../.tools/paths.mjs';
import { nodeFlags } from '../support/runtimes.mjs';

const run = promisify(execFile);
const script = fileURLToPath(new URL('measure.mjs', import.meta.url));

/** Largest differences allowed, relative to the largest magnitude of the output. */
export const limits = {
  'kinglet-simd': 1e-4,
  'kinglet-relaxed': 1e-3,
  'kinglet-simd-threads': 1e-4,
  'kinglet-relaxed-threads': 1e-3,
};

/**
 * @typedef {{ name: string, shape: string, difference?: number | string, output?: string,
 *   unoptimised?: number | string, error?: string }} Row
 * @param {string} runtime
 * @param {string[]} [names] subjects; all when empty
 * @returns {Promise<Row[]>}
 */
export async function measure(runtime, names = [], { unoptimised = false } = {}) {
  const args = [...nodeFlags(runtime), script, runtime, ...(unoptimised ? ['--unoptimised'] : []), ...names];
  const { stdout } = await run(process.execPath, args, { maxBuffer: 1 << 24 });
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

/**
 * What is wrong with a row, in words, or undefined.
 * @param {Row} row
 * @param {number} limit
 * @param {Row} [peer] onnxruntime-web's row for the same subject: no worse than it is good enough
 */
export function fault(row, limit, peer) {
  if (row.error) return row.error;
  const allowed = Math.max(limit, Number(peer?.difference ?? 0));
  for (const key of ['difference', 'unoptimised']) {
    const value = row[key];
    if (value !== undefined && !(Number(value) <= allowed))
      return `${key} ${Number(value).toExponential(2)}, allowed ${allowed.toExponential(2)}`;
  }
  return undefined;
}

/** @param {Record<string, Row[]>} columns rows by runtime, all of the same subjects */
export function table(columns) {
  const runtimes = Object.keys(columns);
  const show = ({ difference, unoptimised, error }) => {
    if (error) return error.slice(0, 60);
    const number = (value) => (Number(value) === 0 ? '0' : Number(value).toExponential(1));
    return number(difference) + (unoptimised === undefined ? '' : ` (${number(unoptimised)})`);
  };
  const rows = columns[runtimes[0]].map((row, i) => [
    row.name,
    row.shape,
    ...runtimes.map((runtime) => show(columns[runtime][i])),
  ]);
  const lines = [['model', 'input', ...runtimes], ['---', '---', ...runtimes.map(() => '---')], ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Writes build/reports/models.json. */
export async function writeReport(columns) {
  await mkdir(join(build, 'reports'), { recursive: true });
  await writeFile(join(build, 'reports/models.json'), `${JSON.stringify(columns, null, 1)}\n`);
}
