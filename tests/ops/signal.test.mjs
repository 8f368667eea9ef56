// Windows, Fourier transforms and the mel matrix beside onnxruntime-node.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mismatch } from '../support/compare.mjs';
import { judge, noise, runNode, tensor } from '../support/one_node.mjs';

const type = { 1: 'float32', 6: 'int32', 7: 'int64', 11: 'float64' };
const scalar = (value, kind = 'int64') => tensor(kind, [], [value]);
const exact = { rtol: 1e-5, atol: 1e-5 };

describe('windows', () => {
  for (const op of ['HannWindow', 'HammingWindow', 'BlackmanWindow'])
    for (const periodic of [0, 1])
      for (const output_datatype of [1, 11])
        test(`${op} ${periodic} ${type[output_datatype]}`, async () => {
          for (const size of [2, 3, 16, 401])
            await judge(
              {
                op,
                inputs: [scalar(size, size % 2 ? 'int32' : 'int64')],
                attributes: { periodic, output_datatype },
                outputs: [type[output_datatype]],
              },
              exact,
            );
        });
});

/** The sum as it is written, over lines of `n` values with 1 or 2 components each. */
function transform({ dims, data }, { inverse, bins }) {
  const [lines, n, components] = dims;
  const out = [];
  for (let line = 0; line < lines; line++)
    for (let k = 0; k < bins; k++) {
      let re = 0;
      let im = 0;
      for (let i = 0; i < n; i++) {
        const at = (line * n + i) * components;
        const [x, y] = [data[at], components === 2 ? data[at + 1] : 0];
        const angle = ((inverse ? 2 : -2) * Math.PI * ((i * k) % n)) / n;
        re += x * Math.cos(angle) - y * Math.sin(angle);
        im += x * Math.sin(angle) + y * Math.cos(angle);
      }
      out.push(inverse ? re / n : re, inverse ? im / n : im);
    }
  return { type: 'float64', dims: [lines, bins, 2], data: Float64Array.from(out) };
}

describe('DFT', () => {
  // Powers, mixed factors, primes and products of large ones.
  const lengths = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 15, 16, 17, 25, 30, 49, 64, 101, 143, 210, 256, 289, 1000, 1021,
  ];
  for (const n of lengths)
    for (const [components, inverse, onesided] of [
      [1, 0, 0],
      [1, 0, 1],
      [2, 0, 0],
      [2, 1, 0],
      [1, 1, 0],
    ])
      test(`${n} values of ${components}${inverse ? ', inverse' : ''}${onesided ? ', one side' : ''}`, async () => {
        for (const dtype of ['float64', 'float32']) {
          const x = noise([2, n, components], dtype);
          const wanted = transform(x, { inverse, bins: onesided ? Math.floor(n / 2) + 1 : n });
          const node = { op: 'DFT', inputs: [x], attributes: { inverse, onesided }, outputs: [dtype] };
          const { y0 } = await runNode('kinglet-simd', node);
          const ours = { ...wanted, dims: y0.dims, data: Float64Array.from(y0.data) };
          const atol = (dtype === 'float64' ? 1e-13 : 1e-6) * (inverse ? 1 : n);
          assert.equal(mismatch(ours, wanted, { rtol: 0, atol }), undefined);
        }
      });

  for (const length of [1, 3, 5, 8, 11])
    for (const axis of [0, 1, 2, -2, -3])
      test(`length ${length} of axis ${axis}`, () =>
        judge(
          { op: 'DFT', inputs: [noise([3, 4, 5, 2]), scalar(length), scalar(axis)] },
          { rtol: 1e-4, atol: 1e-4 },
        ));
  for (const axis of [0, 1, 2])
    test(`opset 17, axis ${axis}`, () =>
      judge(
        { op: 'DFT', inputs: [noise([3, 4, 5, 1])], attributes: { axis }, opset: 17 },
        { rtol: 1e-4, atol: 1e-4 },
      ));
});

describe('STFT', () => {
  for (const dtype of ['float32', 'float64'])
    for (const onesided of [0, 1])
      for (const [frame, step] of [
        [16, 8],
        [7, 3],
        [13, 1],
        [64, 64],
        [60, 17],
      ])
        test(`${dtype} ${onesided} ${frame} ${step}`, async () => {
          const x = noise([2, 130, 1], dtype),
            window = noise([frame], dtype, 5);
          const tolerance = { rtol: 1e-4, atol: 1e-4 };
          const node = { op: 'STFT', attributes: { onesided }, outputs: [dtype] };
          await judge({ ...node, inputs: [x, scalar(step), window, scalar(frame)] }, tolerance);
          await judge({ ...node, inputs: [x, scalar(step), window] }, tolerance);
          await judge({ ...node, inputs: [x, scalar(step), null, scalar(frame)] }, tolerance);
        });

  test('of complex values', async () => {
    const [frame, step] = [12, 5];
    const x = noise([1, 40, 2], 'float64');
    const window = noise([frame], 'float64', 5);
    const frames = Math.floor((40 - frame) / step) + 1;
    const data = Array.from({ length: frames * frame * 2 }, (_, i) => {
      const at = Math.floor(i / 2);
      const place = Math.floor(at / frame) * step + (at % frame);
      return x.data[place * 2 + (i % 2)] * window.data[at % frame];
    });
    for (const onesided of [0, 1]) {
      const bins = onesided ? frame / 2 + 1 : frame;
      const wanted = transform({ dims: [frames, frame, 2], data }, { bins });
      const inputs = [x, scalar(step), window];
      const { y0 } = await runNode('kinglet-simd', {
        op: 'STFT',
        inputs,
        attributes: { onesided },
        outputs: ['float64'],
      });
      assert.deepEqual(y0.dims, [1, frames, bins, 2]);
      assert.equal(mismatch({ ...wanted, data: y0.data }, wanted, { rtol: 0, atol: 1e-12 }), undefined);
    }
  });
});

describe('MelWeightMatrix', () => {
  for (const [mels, length, rate, low, high] of [
    [8, 16, 8192, 0, 4096],
    [40, 512, 16000, 20, 7600],
    [80, 400, 16000, 0, 8000],
    [3, 32, 8000, 300, 3000],
    [20, 64, 8000, 0, 4000],
  ])
    test(`${mels} ${length} ${rate} ${low} ${high}`, () =>
      judge(
        {
          op: 'MelWeightMatrix',
          inputs: [
            scalar(mels),
            scalar(length),
            scalar(rate),
            tensor('float32', [], [low]),
            tensor('float32', [], [high]),
          ],
        },
        exact,
      ));
});
