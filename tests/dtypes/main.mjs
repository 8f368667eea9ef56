// Shows where things stand: node tests/dtypes/main.mjs [--runtime kinglet-relaxed] [operator ...]
import { createEngine } from '../support/engine.mjs';
import { groupsOf, heldBy, table } from './cases.mjs';
import { difference } from './difference.mjs';
import { judge } from './judges.mjs';
import { runGroups } from './runner.mjs';
import { readOperator } from './signature.mjs';

const args = process.argv.slice(2);
const at = args.indexOf('--runtime');
const runtime = at < 0 ? 'kinglet-simd' : args.splice(at, 2)[1];
const { abi } = await createEngine('simd');
const operators = abi
  .operators()
  .trim()
  .split('\n')
  .map(readOperator)
  .filter(({ domain, op }) => domain === 'ai.onnx' && table[op] && (args.length === 0 || args.includes(op)));
const judged = operators.flatMap(groupsOf);
const groups = judged.flatMap((group) => [group, ...heldBy(group)]);
const since = performance.now();
const lap = (what) => console.log(`${what}: ${((performance.now() - since) / 1000).toFixed(1)} s`);
const verdicts = await judge(judged);
lap('judges');
const results = await runGroups(runtime, groups);
lap(runtime);
const shown = new Map();
const counts = {};
for (const item of groups.flat()) {
  const verdict = verdicts.get(item.same ?? item);
  const result = results.get(item);
  const found = result.outputs
    ? item.check
      ? item.check(result.outputs)
      : verdict
        ? verdict.outputs
            .slice(0, item.outputs.length)
            .map((e, k) => difference(result.outputs[k], e, item))
            .find(Boolean)
        : 'nobody can judge it'
    : `${result.code}: ${result.failure}`;
  counts[verdict?.by] = (counts[verdict?.by] ?? 0) + 1;
  if (!found) continue;
  const key = `${item.op} ${Object.values(item.types)}`;
  if (shown.has(key)) {
    shown.set(key, shown.get(key) + 1);
    continue;
  }
  shown.set(key, 1);
  console.log(
    `${key} [${item.inputs.map((v) => (Array.isArray(v) ? 'seq' : v?.dims))}] ${JSON.stringify(item.attributes, (k, v) => (k === 'data' ? undefined : v)) ?? ''} by ${verdict?.by}: ${found.slice(0, 200)}`,
  );
}
console.log(shown.size, 'groups differ', counts);
