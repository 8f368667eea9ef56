#!/usr/bin/env node
// Networks of well-known shapes with random weights: whole ones to time, small ones to compare. Usage: networks.mjs [OUT [NAME ...]]
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../../.tools/paths.mjs';
import { unlessFresh } from '../../.tools/stamp.mjs';
import { efficientNetB0, mobileNetV2, mobileNetV3, resNet50, unet } from './convolutional.mjs';
import { fusedLlama, llama } from './decoders.mjs';
import { lstmStack } from './recurrent.mjs';
import { bert, geluTanh, vit } from './transformers.mjs';

const wholeLlama = { seed: 20, layers: 8, width: 512, heads: 8, kv: 4, inner: 1408, vocabulary: 8000 };
const smallLlama = { seed: 20, layers: 2, width: 64, heads: 4, kv: 2, inner: 96, vocabulary: 100 };

/** BERT's vocabulary is cut: embedding costs no time and would be a fifth of the file. */
export const networks = {
  'bert-base': {
    whole: { seed: 11, layers: 12, width: 768, heads: 12, vocabulary: 2000, tokens: 128 },
    small: { seed: 11, layers: 2, width: 96, heads: 4, vocabulary: 100, tokens: 48 },
    make: bert,
  },
  'vit-tiny': {
    whole: { seed: 12, layers: 12, width: 192, heads: 3, side: 224, patch: 16 },
    small: { seed: 12, layers: 2, width: 64, heads: 2, side: 64, patch: 16 },
    make: vit,
  },
  'vit-tanh': {
    small: { seed: 18, layers: 1, width: 96, heads: 3, side: 96, patch: 16, activation: geluTanh },
    make: vit,
  },
  resnet50: {
    whole: { seed: 19, side: 224 },
    small: { seed: 19, side: 64, most: 5 },
    make: resNet50,
  },
  'mobilenet-v2': {
    whole: { seed: 13, side: 224 },
    small: { seed: 13, side: 96, most: 6 },
    make: mobileNetV2,
  },
  'mobilenet-v3': {
    whole: { seed: 14, side: 224 },
    small: { seed: 14, side: 96, most: 8 },
    make: mobileNetV3,
  },
  'efficientnet-b0': {
    whole: { seed: 15, side: 224 },
    small: { seed: 15, side: 96, most: 5 },
    make: efficientNetB0,
  },
  unet: {
    whole: { seed: 16, side: 256, width: 16, depth: 4 },
    small: { seed: 16, side: 48, width: 8, depth: 2 },
    make: unet,
  },
  lstm: {
    whole: { seed: 17, features: 80, hidden: 256, layers: 3, classes: 64 },
    small: { seed: 17, features: 20, hidden: 24, layers: 2, classes: 8 },
    make: lstmStack,
  },
  llama: { whole: wholeLlama, small: smallLlama, make: llama },
  'llama-fused': {
    whole: { ...wholeLlama, context: 2048 },
    small: { ...smallLlama, context: 48 },
    make: fusedLlama,
  },
};

const sources = [
  'convolutional',
  'decoders',
  'network',
  'networks',
  'quantize',
  'recurrent',
  'tflite',
  'transformers',
  'twins',
  'variants',
];
const inputs = [
  ...sources.map((name) => `models/recipes/${name}.mjs`),
  ...['onnx', 'protobuf', 'random'].map((name) => `tests/support/${name}.mjs`),
];

/**
 * Writes what `make` gives into `out` unless it is there from the recipes as they are, and returns its path.
 * @param {() => Uint8Array | Promise<Uint8Array>} make
 */
export async function makeFile(out, file, make) {
  const path = join(out, file);
  const made = relative(root, path);
  await unlessFresh(made.replaceAll('/', '-'), inputs, [made], async () => {
    await mkdir(out, { recursive: true });
    await writeFile(`${path}.${process.pid}.part`, await make());
    await rename(`${path}.${process.pid}.part`, path);
  });
  return path;
}

/**
 * Writes <name>-<size>.onnx into `out` unless it is fresh, and returns its path.
 * @param {string} name of `networks`
 * @param {'whole' | 'small'} size
 */
export function makeNetwork(out, name, size) {
  const { make, [size]: sizes } = networks[name];
  return makeFile(out, `${name}-${size}.onnx`, () => make(sizes));
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const out = resolve(process.argv[2] ?? fileURLToPath(new URL('../../build/models', import.meta.url)));
  const names = process.argv.length > 3 ? process.argv.slice(3) : Object.keys(networks);
  for (const name of names)
    for (const size of ['whole', 'small'])
      if (networks[name][size]) console.log(await makeNetwork(out, name, size));
}
