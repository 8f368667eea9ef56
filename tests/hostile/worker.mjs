// Opens and runs damaged models one after the other in one instance of the engine, and says how each ended:
//   { index, words, verdict: 'ran' | 'refused' | 'failed' | 'skipped', code?, detail?, milliseconds }
// Usage: node worker.mjs VARIANT TARGETS FIRST. After a trap the process ends; the parent starts one at the next index.
import { createEngine } from '../support/engine.mjs';
import { apply, describe } from './mutations.mjs';
import { readTargets } from './targets.mjs';

// How often the undamaged model is run in between.
const checkEvery = 100;

const [variant, targetsName, first] = process.argv.slice(2);
const targets = await readTargets(targetsName);
const engine = await createEngine(variant);
const { abi } = engine;

function runOnce(model, feeds) {
  const session = engine.open(model);
  try {
    return engine.run(session, feeds);
  } finally {
    engine.release(session);
  }
}

/** Everything in the outputs as one text, to compare bits. */
const bits = (outputs) =>
  JSON.stringify(outputs, (_, value) =>
    ArrayBuffer.isView(value) ? Buffer.from(value.buffer).toString('base64') : value,
  );

/** The undamaged model's results, and what the instance holds after it; undefined when it does not run. */
function baseline({ model, feeds }) {
  try {
    const expected = bits(runOnce(model, feeds));
    return { expected, objects: abi.liveObjects(), bytes: abi.liveBytes() };
  } catch (error) {
    if (error instanceof engine.KingletError && error.code !== 'internal') return undefined;
    throw error;
  }
}

/** What is wrong with the instance after a damaged model, in words, or undefined. */
function damage({ model, feeds }, { expected, objects, bytes }, check) {
  if (abi.liveObjects() !== objects) return `${abi.liveObjects() - objects} objects were left behind`;
  if (abi.liveBytes() !== bytes) return `${abi.liveBytes() - bytes} bytes were left behind`;
  if (!check || bits(runOnce(model, feeds)) === expected) return undefined;
  return 'the undamaged model gives other results now';
}

/** @returns {{ verdict: string, code?: string, detail?: string, milliseconds: number, trapped: boolean }} */
function attempt(target, good, mutation, check) {
  const model = apply(target.model, mutation);
  const since = performance.now();
  const result = { verdict: 'ran', trapped: false };
  try {
    runOnce(model, target.feeds);
  } catch (error) {
    result.trapped = !(error instanceof engine.KingletError);
    const typed = !result.trapped && error.code !== 'internal';
    if (typed) Object.assign(result, { verdict: 'refused', code: error.code });
    else Object.assign(result, { verdict: 'failed', detail: String(error?.stack ?? error) });
  }
  result.milliseconds = performance.now() - since;
  if (result.trapped) return result;
  try {
    const detail = damage(target, good, check);
    if (detail) Object.assign(result, { verdict: 'failed', detail });
  } catch (error) {
    const detail = `afterwards the undamaged model: ${error?.stack ?? error}`;
    Object.assign(result, { verdict: 'failed', detail, trapped: true });
  }
  return result;
}

const send = (message) => new Promise((resolve) => process.send(message, resolve));

await send({ total: targets.reduce((sum, { mutations }) => sum + mutations.length, 0) });
let index = 0;
let trapped = false;
for (const target of targets) {
  const { label, mutations } = target;
  if (trapped) break;
  if (index + mutations.length <= Number(first)) {
    index += mutations.length;
    continue;
  }
  const good = baseline(target);
  for (const [i, mutation] of mutations.entries()) {
    const at = index++;
    if (at < Number(first)) continue;
    const words = `${label}, ${describe(mutation)}`;
    const check = i % checkEvery === checkEvery - 1 || i === mutations.length - 1;
    const result = good ? attempt(target, good, mutation, check) : { verdict: 'skipped', milliseconds: 0 };
    await send({ index: at, words, ...result });
    trapped = result.trapped ?? false;
    if (trapped) break;
  }
}
process.disconnect();
