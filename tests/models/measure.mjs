// Compares a runtime with onnxruntime-node on every subject and writes one JSON line each to stdout:
//   { name, shape, difference, worst, unoptimised?, error? }
// Usage: node measure.mjs RUNTIME [--unoptimised] [SUBJECT ...]
import { parseArgs } from 'node:util';
import { relativeDifference } from '../support/compare.mjs';
import { openRuntime } from '../support/runtimes.mjs';
import { readSubject, subjects, timed } from './subjects.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { unoptimised: { type: 'boolean', default: false } },
});
const [name, ...wanted] = positionals;
const runtime = await openRuntime(name);
const judge = await openRuntime('ort-node');

/** Helper threads come after a first long run: with them what counts is a later one. */
async function play(runtime, model, subject, options) {
  const session = await runtime.create(model, options);
  try {
    for (let i = 0; runtime.name.endsWith('-threads') && i < 2; i++) {
      await subject.play(session);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return await subject.play(session);
  } finally {
    await session.release();
  }
}

/** One tensor per output over all runs of a subject. */
function joined(runs) {
  const outputs = new Map();
  for (const name of Object.keys(runs[0])) {
    const parts = runs.map((run) => run[name]);
    const data = new Float32Array(parts.reduce((size, part) => size + part.data.length, 0));
    let at = 0;
    for (const part of parts) {
      data.set(part.data, at);
      at += part.data.length;
    }
    const dims = parts.flatMap((part) => [...part.dims]);
    outputs.set(name, { type: parts[0].type, dims, data });
  }
  return outputs;
}

/** The largest difference over all outputs, and the output that has it. */
function difference(actual, expected) {
  const found = joined(actual);
  let worst = { difference: 0, output: '' };
  for (const [output, tensor] of joined(expected)) {
    const other = found.get(output);
    const value = other ? relativeDifference(other, tensor) : Number.POSITIVE_INFINITY;
    if (!(value <= worst.difference)) worst = { difference: value, output };
  }
  return worst;
}

/** JSON has no infinity. */
const number = (value) => (Number.isFinite(value) ? value : String(value));

const known = [...new Map([...subjects, ...timed].map((s) => [`${s.name} ${s.shape}`, s])).values()];
const chosen = wanted.length > 0 ? known.filter(({ name }) => wanted.includes(name)) : subjects;
for (const subject of chosen) {
  const row = { name: subject.name, shape: subject.shape };
  try {
    const model = await readSubject(subject);
    const expected = await play(judge, model, subject);
    const actual = await play(runtime, model, subject);
    const worst = difference(actual, expected);
    row.difference = number(worst.difference);
    row.output = worst.output;
    if (options.unoptimised) {
      const plain = await play(runtime, model, subject, { graphOptimizationLevel: 'disabled' });
      row.unoptimised = number(difference(plain, expected).difference);
    }
  } catch (error) {
    row.error = `${runtime.typed(error) ?? 'untyped'}: ${error?.message ?? error}`;
  }
  console.log(JSON.stringify(row));
}
