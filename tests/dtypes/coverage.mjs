// Which types of which operator were judged, and by whom.
import { mkdir, writeFile } from 'node:fs/promises';
import { dtypes } from '../support/values.mjs';
import { table } from './cases.mjs';

const letters = { onnxruntime: 'o', numpy: 'n', stated: 's', 'onnxruntime, rounded': 'r', statistics: '~' };
const names = dtypes.filter(Boolean).map(({ name }) => name);

/**
 * @param {import('./signature.mjs').Operator[]} operators
 * @param {object[]} cases
 * @param {Map<object, { by: string }>} verdicts
 * @returns {{ rows: { name: string, types: Record<string, string> }[], missing: string[] }} `types`: judges by type;
 *   `missing`: `operator variable type` of what no case reaches
 */
export function coverage(operators, cases, verdicts) {
  const judged = new Map();
  for (const item of cases) {
    const verdict = verdicts.get(item);
    if (!verdict) continue;
    for (const [variable, type] of Object.entries(item.types)) {
      const key = `${item.op} ${variable} ${type}`;
      judged.set(key, (judged.get(key) ?? new Set()).add(letters[verdict.by]));
    }
  }
  const missing = [];
  const rows = [];
  for (const { op, variables } of operators) {
    for (const [variable, types] of Object.entries({ ...variables, ...table[op].variables })) {
      const row = { name: `${op} ${variable}`, types: {} };
      for (const type of types) {
        const by = judged.get(`${op} ${variable} ${type}`);
        if (by) row.types[type] = [...by].sort().join('');
        else missing.push(row.name.concat(' ', type));
      }
      rows.push(row);
    }
  }
  return { rows, missing };
}

/** Writes build/reports/dtypes.md. */
export async function writeReport(rows, counts) {
  const folder = new URL('../../build/reports/', import.meta.url);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const text = [
    '# Element types by operator',
    '',
    'Judged by: `o` onnxruntime-node, `n` numpy, `s` the case states the result, `r` onnxruntime-node on float32, rounded, `~` statistics.',
    '',
    ...Object.entries(counts).map(([by, count]) => `- ${by}: ${count} cases`),
    '',
    line(['operator', ...names]),
    line(['---', ...names.map(() => '-')]),
    ...rows.map(({ name, types }) => line([name, ...names.map((type) => types[type] ?? '')])),
    '',
  ];
  await mkdir(folder, { recursive: true });
  await writeFile(new URL('dtypes.md', folder), text.join('\n'));
}
