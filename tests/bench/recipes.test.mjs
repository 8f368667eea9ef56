// The generated models of the benchmark, small: what Kinglet makes of them against onnxruntime-node, and the .tflite twins.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { readSubject } from '../models/subjects.mjs';
import { variantSubjects } from '../models/networks.mjs';
import { relativeDifference } from '../support/compare.mjs';
import { hasRelaxedSimd, openRuntime } from '../support/runtimes.mjs';

async function outputs(runtime, model, feeds) {
  const session = await (await openRuntime(runtime)).create(model);
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}

const builds = ['kinglet-simd', ...(hasRelaxedSimd() ? ['kinglet-relaxed'] : [])];

describe('quantised networks', () => {
  for (const subject of variantSubjects('small'))
    test(subject.name, async () => {
      const model = await readSubject(subject);
      const feeds = await subject.feeds();
      const expected = await outputs('ort-node', model, feeds);
      for (const build of builds) {
        const actual = await outputs(build, model, feeds);
        for (const name of Object.keys(expected)) {
          const difference = relativeDifference(actual[name], expected[name]);
          console.log(subject.name, build, name, difference);
        }
      }
    });
});
