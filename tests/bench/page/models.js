import { openRuntime } from './runtimes.js';

const arrays = { float32: Float32Array, int64: BigInt64Array };
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

globalThis.bench = {
  isolated: globalThis.crossOriginIsolated,

  /** Milliseconds from having the runtime's script to having a session. */
  async open(runtime, subject) {
    const { Tensor, create } = await openRuntime(runtime);
    const since = performance.now();
    const session = await create(`/subjects/${subject}.onnx`);
    const milliseconds = performance.now() - since;
    sessions.set(runtime, { session, feeds: await readFeeds(subject, Tensor) });
    return milliseconds;
  },

  async time(runtime, runs) {
    const { session, feeds } = sessions.get(runtime);
    const times = [];
    for (let i = 0; i < runs; i++) {
      const since = performance.now();
      await session.run(feeds);
      times.push(performance.now() - since);
    }
    return times;
  },

  /** The trace of `runs` runs behind a first one. Kinglet only. */
  async profile(runtime, runs) {
    const { session, feeds } = sessions.get(runtime);
    await session.run(feeds);
    await session.startProfiling();
    for (let i = 0; i < runs; i++) await session.run(feeds);
    return session.endProfiling();
  },
};
