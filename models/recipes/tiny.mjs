#!/usr/bin/env node
// A digit classifier of the size of the MNIST example (two convolutions, 26 kB) with random weights. Usage: tiny.mjs [OUT]
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeModel } from '../../tests/support/onnx.mjs';
import { randomNumbers } from '../../tests/support/random.mjs';

const FLOAT = 1;
const INT64 = 7;
const INTS = 7;

/** The bytes of the model: `image` float32 [1, 1, 28, 28] -> `scores` float32 [1, 10]. */
export function tinyModel() {
  const random = randomNumbers(5);
  const weights = (name, dims) => {
    const fanIn = dims.slice(1).reduce((product, extent) => product * extent, 1);
    const size = dims.reduce((product, extent) => product * extent, 1);
    const bound = dims.length > 1 ? Math.sqrt(6 / fanIn) : 0.1;
    const data = Float32Array.from({ length: size }, () => (2 * random() - 1) * bound);
    return { dims, data_type: FLOAT, name, raw_data: new Uint8Array(data.buffer) };
  };
  const ints = (name, ...values) => ({ name, ints: values, type: INTS });
  const conv = (input, k, output) => ({
    input: [input, `w${k}`, `b${k}`],
    output: [output],
    op_type: 'Conv',
    attribute: [ints('kernel_shape', 5, 5), ints('pads', 2, 2, 2, 2)],
  });
  const relu = (input, output) => ({ input: [input], output: [output], op_type: 'Relu' });
  const pool = (input, extent, output) => ({
    input: [input],
    output: [output],
    op_type: 'MaxPool',
    attribute: [ints('kernel_shape', extent, extent), ints('strides', extent, extent)],
  });
  const value = (name, dims) => ({
    name,
    type: { tensor_type: { elem_type: FLOAT, shape: { dim: dims.map((dim_value) => ({ dim_value })) } } },
  });
  return writeModel({
    ir_version: 8,
    opset_import: [{ domain: '', version: 13 }],
    graph: {
      name: 'tiny',
      input: [value('image', [1, 1, 28, 28])],
      output: [value('scores', [1, 10])],
      initializer: [
        weights('w1', [8, 1, 5, 5]),
        weights('b1', [8]),
        weights('w2', [16, 8, 5, 5]),
        weights('b2', [16]),
        weights('w3', [256, 10]),
        weights('b3', [10]),
        { dims: [2], data_type: INT64, int64_data: [1, 256], name: 'flat' },
      ],
      node: [
        conv('image', 1, 'c1'),
        relu('c1', 'r1'),
        pool('r1', 2, 'p1'),
        conv('p1', 2, 'c2'),
        relu('c2', 'r2'),
        pool('r2', 3, 'p2'),
        { input: ['p2', 'flat'], output: ['f'], op_type: 'Reshape' },
        { input: ['f', 'w3', 'b3'], output: ['scores'], op_type: 'Gemm' },
      ],
    },
  });
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const out = resolve(
    process.argv[2] ?? fileURLToPath(new URL('../../build/models/tiny.onnx', import.meta.url)),
  );
  await mkdir(dirname(out), { recursive: true });
  await writeFile(out, tinyModel());
  console.log(out);
}
