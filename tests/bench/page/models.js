import { relativeDifference } from '/support/compare.mjs';
import { openRuntime } from './runtimes.js';

const arrays = { float32: Float32Array, int64: BigInt64Array };
/** Runtimes need a moment to let go of a processor: helper threads spin a little before they sleep. */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const sessions = new Map();

/** Reads the inputs that site.mjs wrote. */
async function readFeeds(subject, Tensor) {
  const inputs = await (await fetch(`/inputs/${subject}.json`)).json();
  const bytes = await (await fetch(`/inputs/${subject}.bin`)).arrayBuffer();
  return Object.fromEntries(
    inputs.map(({ name, type, dims, offset, length }) => [
      name,
      new Tensor(type, new arrays[type](bytes, offset, length), dims),
    ]),
  );
}

/** Outputs have no names in some formats, and are then taken in their order. */
function difference(actual, expected) {
  const values = Object.values(actual);
  const found = Object.entries(expected).map(([name, tensor], i) => {
    const { type, dims, data } = actual[name] ?? values[i];
    return relativeDifference({ type, dims, data }, tensor);
  });
  return Math.max(...found);
}

globalThis.bench = {
  isolated: globalThis.crossOriginIsolated,

  /**
   * `name`: of the contestant from now on. Gives milliseconds from having the runtime's script to having a session.
   * @param {{ runtime: string, model: string, inputs: string }} contestant the last two are files' names
   */
  async open(name, { runtime, model, inputs }) {
    const { Tensor, create } = await openRuntime(runtime);
    const since = performance.now();
    const session = await create(`/subjects/${model}`);
    const milliseconds = performance.now() - since;
    sessions.set(name, { session, Tensor, feeds: inputs && (await readFeeds(inputs, Tensor)) });
    return milliseconds;
  },

  async time(name, runs) {
    const { session, feeds } = sessions.get(name);
    await pause(20);
    const times = [];
    for (let i = 0; i < runs; i++) {
      const since = performance.now();
      await session.run(feeds);
      times.push(performance.now() - since);
    }
    return times;
  },

  /** How far each contestant is from the first, relative to the first's largest magnitude. Infinity becomes text on its way. */
  async differences(names) {
    const run = async (name) => {
      const { session, feeds } = sessions.get(name);
      return session.run(feeds);
    };
    const expected = await run(names[0]);
    const found = {};
    for (const name of names.slice(1)) found[name] = String(difference(await run(name), expected));
    return found;
  },

  /** The trace of `runs` runs behind a first one. Kinglet only. */
  async profile(name, runs) {
    const { session, feeds } = sessions.get(name);
    await session.run(feeds);
    await session.startProfiling();
    for (let i = 0; i < runs; i++) await session.run(feeds);
    return session.endProfiling();
  },

  /** What `session.info()` says. Kinglet only. */
  info: (name) => sessions.get(name).session.info(),

  /**
   * Milliseconds of the first and of later runs on zeros of each shape: [{ shapes, first, later }].
   * @param {{ name: string, type: string, dims: number[], fill: number }[][]} series inputs of each step
   */
  async grow(name, series, repeats) {
    const { session, Tensor } = sessions.get(name);
    const steps = [];
    for (const inputs of series) {
      const feeds = Object.fromEntries(
        inputs.map(({ name, type, dims, fill }) => {
          const size = dims.reduce((a, b) => a * b, 1);
          return [
            name,
            new Tensor(type, new arrays[type](size).fill(type === 'int64' ? BigInt(fill) : fill), dims),
          ];
        }),
      );
      const times = [];
      for (let i = 0; i < 1 + repeats; i++) {
        const since = performance.now();
        await session.run(feeds);
        times.push(performance.now() - since);
      }
      steps.push(times);
    }
    return steps;
  },
};
