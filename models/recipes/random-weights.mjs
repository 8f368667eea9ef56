#!/usr/bin/env node
// Copies of light_* networks of the ONNX test data with random weights in place of their constant ones.
// Usage: random-weights.mjs [OUT]
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fetchTestdata, onnxTestdataFolder } from '../../.tools/testdata.mjs';
import { readModel, writeModel } from '../../tests/support/onnx.mjs';
import { randomNumbers } from '../../tests/support/random.mjs';
import { tensorValue } from '../../tests/support/values.mjs';

/** `head` scales the last layer so that the softmax sees logits of about one to two and does not saturate. */
export const networks = [
  { name: 'squeezenet', seed: 1, head: 1 },
  { name: 'resnet50', seed: 2, head: 0.004 },
  { name: 'shufflenet', seed: 3, head: 0.0015 },
];

const FLOAT = 1;

/**
 * What a weight is for, by the input of the node that reads it: bounds of a uniform distribution.
 * Convolution and matrix weights keep the variance of what flows through (He et al. 2015, equation 10).
 */
const roles = {
  Conv: [undefined, ([, ...rest]) => spread(rest), () => [-0.1, 0.1]],
  Gemm: [undefined, ([, k]) => spread([k]), () => [-0.1, 0.1]],
  BatchNormalization: [undefined, () => [0.6, 1], () => [-0.2, 0.2], () => [-0.2, 0.2], () => [0.5, 1.5]],
};

function spread(fanIn) {
  const bound = Math.sqrt(6 / fanIn.reduce((product, extent) => product * extent, 1));
  return [-bound, bound];
}

/**
 * @param {object} model a decoded ModelProto; its ConstantOfShape nodes with a float value become initializers
 * @param {{ seed: number, head: number }} options
 */
export function randomize(model, { seed, head }) {
  const { graph } = model;
  const shapes = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
  const constants = new Map();
  for (const node of graph.node) {
    const value = node.attribute?.find(({ name }) => name === 'value')?.t;
    if (node.op_type === 'ConstantOfShape' && value?.data_type === FLOAT) constants.set(node.output[0], node);
  }
  const random = randomNumbers(seed);
  const added = [];
  const weighted = graph.node.filter(({ op_type }) => op_type in roles);
  const last = weighted.at(-1);
  for (const node of weighted) {
    node.input.forEach((name, slot) => {
      const source = constants.get(name);
      if (slot === 0 || !source) return;
      constants.delete(name);
      const dims = Array.from(tensorValue(shapes.get(source.input[0])).data, Number);
      const [low, high] = roles[node.op_type][slot](dims).map((v) => (node === last ? v * head : v));
      const data = new Float32Array(dims.reduce((product, extent) => product * extent, 1));
      for (let i = 0; i < data.length; i++) data[i] = low + (high - low) * random();
      added.push({ dims, data_type: FLOAT, name, raw_data: new Uint8Array(data.buffer) });
      shapes.delete(source.input[0]);
      graph.node.splice(graph.node.indexOf(source), 1);
    });
  }
  if (constants.size > 0) throw new Error(`no rule for the weights ${[...constants.keys()].join(', ')}`);
  graph.initializer = [...shapes.values(), ...added];
  // From IR version 4 on, initializers need not be inputs.
  model.ir_version = 8;
  const kept = new Set(graph.initializer.map(({ name }) => name));
  graph.input = graph.input.filter(({ name }) => !kept.has(name) && !name.endsWith('__SHAPE'));
  return model;
}

/** Writes random_<network>.onnx for each network into `out` and returns their paths; existing files are kept. */
export async function makeRandomWeights(out) {
  await fetchTestdata();
  await mkdir(out, { recursive: true });
  const paths = [];
  for (const network of networks) {
    const path = join(out, `random_${network.name}.onnx`);
    paths.push(path);
    if (await stat(path).catch(() => undefined)) continue;
    const light = await readFile(join(onnxTestdataFolder, `light/light_${network.name}.onnx`));
    await writeFile(`${path}.part`, writeModel(randomize(readModel(light), network)));
    await rename(`${path}.part`, path);
  }
  return paths;
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const out = resolve(process.argv[2] ?? fileURLToPath(new URL('../../build/models', import.meta.url)));
  for (const path of await makeRandomWeights(out)) console.log(path);
}
