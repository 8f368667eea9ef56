#!/usr/bin/env node
// node tests/models/main.mjs [--runtime NAME ...] [--optimised-only] [SUBJECT ...]
// Differences from onnxruntime-node, relative to the output's largest magnitude; unoptimised in brackets.
import { parseArgs } from 'node:util';
import { measure, table, writeReport } from './compare.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: 'string', multiple: true, default: ['kinglet-simd', 'kinglet-relaxed', 'ort-web'] },
    'optimised-only': { type: 'boolean', default: false },
  },
});
const columns = {};
for (const runtime of options.runtime)
  columns[runtime] = await measure(runtime, positionals, { unoptimised: !options['optimised-only'] });
console.log(table(columns));
await writeReport(columns);
