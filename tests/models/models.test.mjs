import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fault, limits, measure, table, writeReport } from './compare.mjs';

describe('real models against onnxruntime-node', () => {
  const columns = {};

  for (const [runtime, limit] of Object.entries(limits)) {
    test(runtime, async () => {
      const rows = await measure(runtime, [], { unoptimised: !runtime.endsWith('-threads') });
      columns[runtime] = rows;
      const over = rows.filter((row) => fault(row, limit)).map(({ name }) => name);
      const peers = over.length > 0 ? await measure('ort-web', over) : [];
      const peer = ({ name, shape }) => peers.find((row) => row.name === name && row.shape === shape);
      const faults = rows.map((row) => [row, fault(row, limit, peer(row))]).filter(([, words]) => words);
      const told = faults.map(([{ name, shape }, words]) => `${name} ${shape}: ${words}`);
      assert.equal(faults.length, 0, told.join('\n'));
    });
  }

  after(async () => {
    if (Object.keys(columns).length === 0) return;
    console.log(table(columns));
    await writeReport(columns);
  });
});

test('a planted difference is seen', async () => {
  const planted = fileURLToPath(new URL('planted.mjs', import.meta.url));
  const rows = await measure(planted, ['ppocr-cls', 'silero-16k']);
  assert.equal(rows.length, 3);
  for (const row of rows) assert.match(fault(row, 1e-3) ?? '', /^difference/);
  const same = await measure('ort-node', ['ppocr-cls']);
  for (const row of same) assert.equal(fault(row, 0), undefined);
});
