// Losses, determinants and deformable convolution beside onnxruntime-node.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { floats, judge, noise, runNode, tensor } from '../support/one_node.mjs';

const targets = (dims, classes, ignored, type) => {
  const { data } = noise(dims, 'float64', 7);
  return tensor(
    type,
    dims,
    Array.from(data, (x) =>
      ignored !== undefined && x > 0.5 ? ignored : Math.floor(((x + 1) / 2) * classes),
    ),
  );
};

for (const op of ['NegativeLogLikelihoodLoss', 'SoftmaxCrossEntropyLoss'])
  describe(op, () => {
    for (const dims of [
      [5, 4],
      [2, 3, 4],
      [2, 3, 2, 3],
      [1, 5, 2, 2, 2],
    ])
      for (const reduction of ['none', 'mean', 'sum'])
        for (const ignore_index of [undefined, 1, -1, 100])
          for (const weighted of [false, true])
            test(`${dims} ${reduction} ${ignore_index} ${weighted}`, async () => {
              const softmax = op === 'SoftmaxCrossEntropyLoss';
              const [batch, classes, ...rest] = dims;
              const type = weighted ? 'int32' : 'int64';
              const weight = floats(
                [classes],
                Array.from({ length: classes }, (_, i) => 0.5 + i),
              );
              const inputs = [noise(dims), targets([batch, ...rest], classes, ignore_index, type)];
              if (weighted) inputs.push(weight);
              await judge({
                op,
                inputs,
                opset: 13,
                outputs: softmax ? ['float32', 'float32'] : ['float32'],
                attributes: { reduction, ...(ignore_index !== undefined && { ignore_index }) },
              });
            });
  });

describe('Det', () => {
  for (const dims of [
    [1, 1],
    [3, 3],
    [2, 4, 4],
    [2, 3, 7, 7],
    [20, 20],
  ])
    test(`${dims}`, () => judge({ op: 'Det', inputs: [noise(dims)] }, { rtol: 1e-3, atol: 1e-5 }));
  test('singular, permuted and empty matrices', async () => {
    const det = async (dims, values) =>
      [
        ...(
          await runNode('kinglet-simd', {
            op: 'Det',
            inputs: [tensor('float64', dims, values)],
            outputs: ['float64'],
          })
        ).y0.data,
      ].map((x) => x + 0);
    assert.deepEqual(await det([2, 2, 2], [1, 2, 2, 4, 0, 1, 1, 0]), [0, -1]);
    assert.deepEqual(await det([3, 3], [0, 0, 1, 1, 0, 0, 0, 1, 0]), [1]);
    assert.deepEqual(await det([0, 0], []), [1]);
    assert.deepEqual(await det([2, 0, 0], []), [1, 1]);
    assert.ok(Number.isNaN((await det([2, 2], [Number.NaN, 1, 1, 1]))[0]));
  });
});
