// Opens and runs damaged models one after the other in one instance of the engine, and says how each ended:
//   { index, verdict: 'ran' | 'refused' | 'failed', code?, detail?, milliseconds }
// Usage: node worker.mjs VARIANT SUBJECT FIRST. After a trap the process ends; the parent starts one at the next index.
import { readSubject, subjects } from '../models/subjects.mjs';
import { createEngine } from '../support/engine.mjs';
import { apply, mutationsOf } from './mutations.mjs';

// How often the undamaged model is run in between.
const checkEvery = 100;

const [variant, name, first] = process.argv.slice(2);
const subject = subjects.find((subject) => subject.name === name);
const good = await readSubject(subject);
const feeds = await subject.feeds();
const engine = await createEngine(variant);
const { abi } = engine;

function runOnce(model) {
  const session = engine.open(model);
  try {
    return engine.run(session, feeds);
  } finally {
    engine.release(session);
  }
}

const bits = (outputs) =>
  Object.entries(outputs)
    .map(([name, { dims, data }]) => `${name} ${dims} ${Buffer.from(data.buffer).toString('base64')}`)
    .join('\n');

const expected = bits(runOnce(good));
const objects = abi.liveObjects();
const bytes = abi.liveBytes();

/** What is wrong with the instance after a damaged model, in words, or undefined. */
function damage(index, last) {
  if (abi.liveObjects() !== objects) return `${abi.liveObjects() - objects} objects were left behind`;
  if (abi.liveBytes() !== bytes) return `${abi.liveBytes() - bytes} bytes were left behind`;
  if (index % checkEvery !== checkEvery - 1 && !last) return undefined;
  return bits(runOnce(good)) === expected ? undefined : 'the undamaged model gives other results now';
}

const send = (message) => new Promise((resolve) => process.send(message, resolve));

const mutations = mutationsOf(good);
await send({ total: mutations.length });
for (let index = Number(first); index < mutations.length; index++) {
  const model = apply(good, mutations[index]);
  const since = performance.now();
  const result = { index, verdict: 'ran' };
  let trapped = false;
  try {
    runOnce(model);
  } catch (error) {
    trapped = !(error instanceof engine.KingletError);
    const typed = !trapped && error.code !== 'internal';
    Object.assign(
      result,
      typed
        ? { verdict: 'refused', code: error.code }
        : { verdict: 'failed', detail: String(error?.stack ?? error) },
    );
  }
  result.milliseconds = performance.now() - since;
  if (!trapped) {
    try {
      const detail = damage(index, index === mutations.length - 1);
      if (detail) Object.assign(result, { verdict: 'failed', detail });
    } catch (error) {
      trapped = true;
      Object.assign(result, {
        verdict: 'failed',
        detail: `afterwards the undamaged model: ${error?.stack ?? error}`,
      });
    }
  }
  await send(result);
  if (trapped) break;
}
process.disconnect();
