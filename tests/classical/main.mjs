// By hand: node tests/classical/main.mjs [--runtime NAME] [FILTER] says which cases differ from onnxruntime-node, and how.
import { parseArgs } from 'node:util';
import { cases } from './cases.mjs';
import { expectedOf, fault } from './judge.mjs';

const { values, positionals } = parseArgs({
  options: { runtime: { type: 'string', default: 'kinglet-simd' } },
  allowPositionals: true,
});
for (const parts of cases.filter(({ name }) => name.includes(positionals[0] ?? ''))) {
  const found = await expectedOf(parts)
    .then((expected) => fault(values.runtime, parts, expected))
    .catch((error) => String(error));
  if (found) console.log(`${parts.name}: ${found}`);
}
