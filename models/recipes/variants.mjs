#!/usr/bin/env node
// The networks of networks.mjs quantised: ranges by runs of onnxruntime-node on random inputs. Usage: variants.mjs [OUT [NAME ...]]
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readModel, writeModel } from '../../tests/support/onnx.mjs';
import { randomNumbers } from '../../tests/support/random.mjs';
import { openRuntime } from '../../tests/support/runtimes.mjs';
import { makeFile, makeNetwork, networks } from './networks.mjs';
import { blockWeights, observed, quantize, widen } from './quantize.mjs';

const convolutional = ['Conv', 'Gemm', 'Add', 'MaxPool', 'Flatten', 'GlobalAveragePool'];
/** Products by weights alone: attention and norms stay float. */
const encoder = ['MatMul'];
const quantised = { resnet50: convolutional, 'mobilenet-v2': convolutional, 'bert-base': encoder };

/** @type {Record<string, { of: string, ops?: string[], format?: 'qdq' | 'qlinear' }>} by name */
export const variants = {
  ...Object.fromEntries(
    Object.entries(quantised).flatMap(([of, ops]) =>
      ['qdq', 'qlinear'].map((format) => [`${of}-${format}`, { of, ops, format }]),
    ),
  ),
  'bert-base-4bit': { of: 'bert-base' },
  'llama-fused-4bit': { of: 'llama-fused' },
};

/** Pictures of random cells, fine to coarse, or random tokens. */
function* calibration({ side, vocabulary, tokens }) {
  const random = randomNumbers(31);
  for (const cell of [1, 6, 32, 96]) {
    if (side) {
      const data = new Float32Array(3 * side * side);
      const across = Math.ceil(side / cell);
      const cells = Float32Array.from({ length: 3 * across * across }, () => 4.4 * random() - 2.1);
      for (let i = 0; i < data.length; i++) {
        const [channel, y, x] = [Math.floor(i / side / side), Math.floor(i / side) % side, i % side];
        data[i] = cells[(channel * across + Math.floor(y / cell)) * across + Math.floor(x / cell)];
      }
      yield { image: { type: 'float32', data, dims: [1, 3, side, side] } };
    } else {
      const ids = BigInt64Array.from({ length: tokens }, () => BigInt(Math.floor(random() * vocabulary)));
      const dims = [1, tokens];
      const mask = { type: 'int64', data: new BigInt64Array(tokens).fill(1n), dims };
      yield { input_ids: { type: 'int64', data: ids, dims }, attention_mask: mask };
    }
  }
}

async function ranges(model, ops, sizes) {
  const found = new Map();
  const session = await (await openRuntime('ort-node')).create(writeModel(observed(model, ops)));
  for (const feeds of calibration(sizes)) {
    widen(found, feeds);
    widen(found, await session.run(feeds));
  }
  await session.release();
  return found;
}

/**
 * Writes <name>-<size>.onnx into `out` unless it is fresh, and returns its path.
 * @param {string} name of `variants`
 * @param {'whole' | 'small'} size
 */
export function makeVariant(out, name, size) {
  const { of, ops, format } = variants[name];
  return makeFile(out, `${name}-${size}.onnx`, async () => {
    const model = readModel(await readFile(await makeNetwork(out, of, size)));
    if (!format) return writeModel(blockWeights(model));
    const found = await ranges(model, ops, networks[of][size]);
    return writeModel(quantize(model, { ops, format, ranges: found }));
  });
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const out = resolve(process.argv[2] ?? fileURLToPath(new URL('../../build/models', import.meta.url)));
  const names = process.argv.length > 3 ? process.argv.slice(3) : Object.keys(variants);
  for (const name of names)
    for (const size of ['whole', 'small']) console.log(await makeVariant(out, name, size));
}
