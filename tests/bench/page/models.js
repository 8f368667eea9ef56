import { relativeDifference } from '/support/compare.mjs';
import { decoding } from '/support/decoding.mjs';
import { openRuntime } from './runtimes.js';

const arrays = { float32: Float32Array, int64: BigInt64Array };
/** Runtimes need a moment to let go of a processor: helper threads spin a little before they sleep. */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
/** A page's clock ticks in steps of 5 microseconds: shorter runs are timed several together. In milliseconds. */
const leastTimed = 0.5;
const sessions = new Map();

/** Reads what site.mjs wrote: inputs of one run after the other. */
async function readSeries(subject, Tensor) {
  const series = await (await fetch(`/inputs/${subject}.json`)).json();
  const bytes = await (await fetch(`/inputs/${subject}.bin`)).arrayBuffer();
  return series.map((inputs) =>
    Object.fromEntries(
      inputs.map(({ name, type, dims, offset, length }) => [
        name,
        new Tensor(type, new arrays[type](bytes, offset, length).slice(), dims),
      ]),
    ),
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
    sessions.set(name, { session, Tensor, series: inputs && (await readSeries(inputs, Tensor)), turn: 0 });
    return milliseconds;
  },

  async time(name, runs) {
    const contestant = sessions.get(name);
    const { session, series } = contestant;
    await pause(20);
    const times = [];
    for (let done = 0; done < runs; ) {
      const { together = 1 } = contestant;
      const since = performance.now();
      for (let i = 0; i < together; i++) await session.run(series[contestant.turn++ % series.length]);
      const each = (performance.now() - since) / together;
      times.push(each);
      done += together;
      contestant.together = Math.ceil(leastTimed / Math.max(each, leastTimed / 100));
    }
    return times;
  },

  /** How far each contestant is from the first, relative to the first's largest magnitude. Infinity becomes text on its way. */
  async differences(names) {
    const run = async (name) => {
      const { session, series } = sessions.get(name);
      return session.run(series[0]);
    };
    const expected = await run(names[0]);
    const found = {};
    for (const name of names.slice(1)) found[name] = String(difference(await run(name), expected));
    return found;
  },

  /** The trace of `runs` runs behind a first one. Kinglet only. */
  async profile(name, runs) {
    const { session, series } = sessions.get(name);
    await session.run(series[0]);
    await session.startProfiling();
    for (let i = 0; i < runs; i++) await session.run(series[i % series.length]);
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

  /**
   * Milliseconds of a prompt and of single tokens behind it, of each the first run and `repeats` of the same; the last scores.
   * @param {import('/support/decoding.mjs').Sizes} sizes
   * @param {{ prompt: number, count: number, repeats?: number }} options
   */
  async decode(name, sizes, { repeats = 0, ...lengths }) {
    const { session, Tensor } = sessions.get(name);
    const own = (value) => (value instanceof Tensor ? value : new Tensor(value.type, value.data, value.dims));
    await pause(20);
    const times = [];
    let outputs;
    const steps = decoding(sizes, lengths);
    for (let step = steps.next(); !step.done; step = steps.next(outputs)) {
      const feeds = Object.fromEntries(Object.entries(step.value).map(([name, value]) => [name, own(value)]));
      const runs = [];
      for (let i = 0; i < 1 + repeats; i++) {
        const since = performance.now();
        outputs = await session.run(feeds);
        runs.push(performance.now() - since);
      }
      times.push(runs);
    }
    const { type, dims, data } = outputs.logits;
    return { times, scores: { type, dims: [...dims], data: [...data] } };
  },
};
