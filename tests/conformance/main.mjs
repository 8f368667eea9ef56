#!/usr/bin/env node
// node tests/conformance/main.mjs [--runtime NAME] [--filter TEXT] [--update] [--verbose] [--failing FILE] [--out FILE]
// Runs the ONNX test data on a runtime and counts the verdicts. --update runs both builds and rewrites passing.txt;
// --failing writes what does not pass, by operator.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { fetchTestdata } from '../../.tools/testdata.mjs';
import { caseNames } from './cases.mjs';
import { readPassing, writePassing } from './lists.mjs';
import { runCases } from './runner.mjs';

const { values: options } = parseArgs({
  options: {
    runtime: { type: 'string', default: 'kinglet-simd' },
    filter: { type: 'string', default: '' },
    update: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    failing: { type: 'string' },
    out: { type: 'string' },
    processes: { type: 'string', default: '2' },
  },
});

/** Failures under the operators of their models, those with most cases first; last the operators that are missing. */
function byOperator(results) {
  const groups = new Map();
  const missing = new Map();
  const add = (map, key, line) => map.set(key, [...(map.get(key) ?? []), line]);
  for (const [name, { verdict, message = '', operators = [] }] of results) {
    if (verdict === 'pass') continue;
    const [line] = message.split('\n');
    const absent = /^unsupported_operator: .*?: (.*?) \(op: /.exec(line)?.[1];
    if (absent) add(missing, absent, name);
    else add(groups, operators.sort().join(' '), `  ${verdict} ${name}: ${line.slice(0, 300)}`);
  }
  const sorted = (map) => [...map].sort(([, a], [, b]) => b.length - a.length);
  return [
    ...sorted(groups).map(([key, lines]) => `${key} (${lines.length})\n${lines.sort().join('\n')}\n`),
    ...sorted(missing).map(
      ([key, names]) => `missing ${key} (${names.length}): ${names.join(' ').slice(0, 200)}`,
    ),
  ].join('\n');
}

await fetchTestdata();
const names = (await caseNames()).filter((name) => name.includes(options.filter));
const runtimes = options.update ? ['kinglet-simd', 'kinglet-relaxed'] : [options.runtime];
const reports = [];
for (const runtime of runtimes) {
  const since = performance.now();
  const results = await runCases(runtime, names, { processes: Number(options.processes) });
  reports.push(results);
  const counts = {};
  for (const { verdict } of results.values()) counts[verdict] = (counts[verdict] ?? 0) + 1;
  const seconds = ((performance.now() - since) / 1000).toFixed(1);
  console.log(`${runtime}: ${names.length} cases in ${seconds} s`, counts);
  for (const name of names) {
    const { verdict, message } = results.get(name);
    const loud = ['crash', 'hang', 'untyped'].includes(verdict);
    if (verdict !== 'pass' && (options.verbose || loud))
      console.log(`${verdict} ${name}: ${message?.slice(0, 500)}`);
  }
}
if (options.failing) await writeFile(options.failing, byOperator(reports[0]));
if (options.out) await writeFile(options.out, JSON.stringify([...reports[0].values()], null, 1));
if (options.update) {
  const kept = (await readPassing()).filter((name) => !name.includes(options.filter));
  const passed = names.filter((name) => reports.every((results) => results.get(name).verdict === 'pass'));
  await writePassing([...kept, ...passed].sort());
  console.log(`passing.txt: ${kept.length + passed.length} cases`);
}
