// One process of corpus.mjs; speaks as worker.mjs does. Usage: node corpus-worker.mjs VARIANT FOLDER FIRST
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { createEngine } from '../support/engine.mjs';
import { randomNumbers } from '../support/random.mjs';
import { dtypes } from '../support/values.mjs';

const room = 2 ** 28;
// Elements of a made-up input at most.
const mostElements = 2 ** 16;

const [variant, folder, first] = process.argv.slice(2);
const names = (await readdir(folder)).filter((name) => name.endsWith('.onnx')).sort();
const engine = await createEngine(variant);
const { abi, heap } = engine;

/** Sets an int32 of shared memory to 1 after a second, unless it is ended before. Alone in its thread: this one computes. */
function deadline(memory, address) {
  const work = `const { memory, index } = require('node:worker_threads').workerData;
    setTimeout(() => Atomics.store(new Int32Array(memory.buffer), index, 1), 1000);`;
  return new Worker(work, { eval: true, workerData: { memory, index: address / 4 } });
}

/** A tensor of small numbers, some negative. */
function tensor(type, dims, count, random) {
  const row = dtypes.find((row) => row?.name === type);
  if (!row) return undefined;
  const small = () => Math.floor(random() * 6) - 1;
  if (!row.array) return { type, dims, data: Array.from({ length: count }, () => `s${small()}`) };
  const length = Math.ceil((count * row.bits) / 8 / row.array.BYTES_PER_ELEMENT);
  const big = row.array === BigInt64Array || row.array === BigUint64Array;
  return {
    type,
    dims,
    data: row.array.from({ length }, () => (big ? row.array.of(BigInt(small()))[0] : small())),
  };
}

/** A value of a declared type; undefined where none can be made. */
function make(type, random, depth = 0) {
  if (type.kind === 'optional') return random() < 0.5 ? null : make(type.element, random, depth + 1);
  if (type.kind === 'sequence') {
    const items = Array.from({ length: Math.floor(random() * 3) }, () =>
      make(type.element, random, depth + 1),
    );
    return items.includes(undefined) ? [] : items;
  }
  if (type.kind !== 'tensor') return undefined;
  const dims = (type.shape ?? [2, 3]).map((dim) =>
    typeof dim === 'number' ? dim : 1 + Math.floor(random() * 3),
  );
  const count = dims.reduce((product, extent) => product * extent, 1);
  if (count > mostElements) return undefined;
  return tensor(type.dtype, dims, count, random);
}

function openAndRun(model, random) {
  const session = engine.open(model);
  let watch;
  try {
    const { inputs } = JSON.parse(abi.sessionDescribe(session));
    const feeds = {};
    for (const { name, type } of inputs) {
      const value = make(type, random);
      if (value !== undefined) feeds[name] = value;
    }
    if (heap.memory.buffer instanceof SharedArrayBuffer)
      watch = deadline(heap.memory, abi.sessionCancelFlag(session));
    engine.run(session, feeds);
  } finally {
    watch?.terminate();
    engine.release(session);
  }
}

await new Promise((resolve) => process.send({ total: names.length }, resolve));
const random = randomNumbers(1);
for (let index = Number(first); index < names.length; index++) {
  const model = await readFile(join(folder, names[index]));
  const before = { objects: abi.liveObjects(), bytes: abi.liveBytes() };
  abi.setMemoryLimit(before.bytes + room + 4 * model.length);
  const result = { index, words: names[index], verdict: 'ran' };
  const since = performance.now();
  let trapped = false;
  try {
    openAndRun(model, random);
  } catch (error) {
    trapped = !(error instanceof engine.KingletError) && !(error instanceof TypeError);
    if (error instanceof engine.KingletError && error.code !== 'internal')
      Object.assign(result, { verdict: 'refused', code: error.code });
    else Object.assign(result, { verdict: 'failed', detail: String(error?.stack ?? error) });
  }
  result.milliseconds = performance.now() - since;
  if (!trapped && (abi.liveObjects() !== before.objects || abi.liveBytes() !== before.bytes))
    Object.assign(result, { verdict: 'failed', detail: 'something was left behind' });
  await new Promise((resolve) => process.send(result, resolve));
  if (trapped) process.exit(0);
}
process.disconnect();
