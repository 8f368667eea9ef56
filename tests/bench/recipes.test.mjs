// The generated models of the benchmark, small: what Kinglet makes of the quantised ones, and whether a .tflite twin is a
// valid file that holds the network's weights.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { build } from '../../.tools/paths.mjs';
import { makeNetwork } from '../../models/recipes/networks.mjs';
import { makeTwin, transposed, twins } from '../../models/recipes/twins.mjs';
import { variants } from '../../models/recipes/variants.mjs';
import { networkSubjects, variantSubjects } from '../models/networks.mjs';
import { readSubject } from '../models/subjects.mjs';
import { relativeDifference } from '../support/compare.mjs';
import { readModel } from '../support/onnx.mjs';
import { hasRelaxedSimd, openRuntime } from '../support/runtimes.mjs';
import { tensorValue } from '../support/values.mjs';
import { readTflite } from './tflite-reader.mjs';

/** The outputs of each run. */
async function outputs(runtime, subject) {
  const session = await (await openRuntime(runtime)).create(await readSubject(subject));
  try {
    return await subject.play(session);
  } finally {
    await session.release();
  }
}

/** The largest difference over all outputs of all runs. */
const difference = (actual, expected) =>
  Math.max(
    ...expected.flatMap((run, i) =>
      Object.entries(run).map(([name, tensor]) => relativeDifference(actual[i][name], tensor)),
    ),
  );

const builds = ['kinglet-simd', ...(hasRelaxedSimd() ? ['kinglet-relaxed'] : [])];

describe('quantised networks', () => {
  const floats = new Map();
  before(async () => {
    for (const subject of networkSubjects('small')) floats.set(subject.name.replace(/-small$/, ''), subject);
  });

  for (const subject of variantSubjects('small'))
    test(`${subject.name}: as onnxruntime-node has it, and near the network in float32`, async () => {
      const expected = await outputs('ort-node', subject);
      for (const build of builds) {
        const found = difference(await outputs(build, subject), expected);
        assert.ok(found <= 1e-5, `${build} differs by ${found}`);
      }
      const lost = difference(expected, await outputs('ort-node', floats.get(variants[subject.name].of)));
      assert.ok(lost > 1e-4, `${lost} from float32: nothing was quantised`);
      // Weights of 4 bits change the small decoder more than the others.
      assert.ok(lost < (subject.name === 'llama-fused-4bit' ? 0.3 : 0.1), `${lost} from float32`);
    });

  test('integers take the place of the floats they were made of', async () => {
    for (const subject of variantSubjects('small')) {
      const { graph } = readModel(await readSubject(subject));
      const products = graph.initializer.filter(
        ({ dims, data_type }) => data_type === 1 && dims?.length === 4,
      );
      assert.deepEqual(products, [], subject.name);
      const kinds = new Set(graph.node.map(({ op_type }) => op_type));
      const marks = {
        qdq: 'DequantizeLinear',
        qlinear: /bert/.test(subject.name) ? 'QLinearMatMul' : 'QLinearConv',
      };
      assert.ok(kinds.has(marks[variants[subject.name].format] ?? 'MatMulNBits'), subject.name);
    }
  });
});

describe('.tflite twins', () => {
  const folder = join(build, 'models');
  for (const name of twins)
    test(`${name}: tables in bounds, buffers aligned, every weight of the network`, async () => {
      const file = readTflite(new Uint8Array(await readFile(await makeTwin(folder, name, 'small'))));
      const network = readModel(await readFile(await makeNetwork(folder, name, 'small')));
      assert.equal(file.version, 3);
      const [graph] = file.subgraphs;
      const size = (shape) => shape.reduce((a, b) => a * b, 1);
      const known = new Set(graph.inputs);
      for (const [i, { shape, buffer }] of graph.tensors.entries()) {
        const { bytes } = file.buffers[buffer];
        if (bytes.length === 0) continue;
        known.add(i);
        assert.equal(bytes.length, 4 * size(shape));
        assert.equal(bytes.byteOffset % 16, 0);
      }
      for (const { opcode, inputs, outputs: made } of graph.operators) {
        assert.ok(file.codes[opcode] !== undefined);
        for (const input of inputs) assert.ok(known.has(input), `tensor ${input} is read before it is made`);
        for (const output of made) known.add(output);
      }
      assert.deepEqual(
        [...graph.outputs].filter((output) => !known.has(output)),
        [],
      );

      const constants = graph.tensors.map(({ buffer }) =>
        Buffer.from(file.buffers[buffer].bytes).toString('latin1'),
      );
      const held = new Set(constants);
      const turned = (value) =>
        [
          [0, 2, 3, 1],
          [1, 2, 3, 0],
        ].map((perm) => transposed(value, perm));
      for (const proto of network.graph.initializer) {
        const value = tensorValue(proto);
        if (value.dims.length === 0) continue;
        const forms = value.dims.length === 4 ? turned(value) : [value];
        const texts = forms.map(({ data }) =>
          Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('latin1'),
        );
        assert.ok(
          texts.some((text) => held.has(text)),
          `${proto.name} is missing`,
        );
      }
    });

  test('a damaged file is seen', async () => {
    const bytes = new Uint8Array(await readFile(await makeTwin(folder, twins[0], 'small')));
    const damaged = bytes.slice();
    damaged[4] = 0;
    assert.throws(() => readTflite(damaged), /TFL3/);
    assert.throws(() => readTflite(bytes.subarray(0, bytes.length / 2)), RangeError);
  });
});
