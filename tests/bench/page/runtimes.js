// The contestants as a page sees them, on one thread where nothing else is said. Each loads only when it is asked for.

async function kinglet({ simd, worker, threads = 1, state } = {}) {
  const { InferenceSession, Tensor, env } = await import('/kinglet/index.js');
  const create = (url) => {
    env.wasm.simd = simd;
    return InferenceSession.create(url, { worker, intraOpNumThreads: threads, ...(state && { state }) });
  };
  return { Tensor, create };
}

/** The number of threads is one for a whole module, so each has a module of its own. */
async function onnxruntimeWeb(folder, threads) {
  const { InferenceSession, Tensor, env } = await import(`${folder}ort.wasm.min.mjs`);
  env.wasm.numThreads = threads;
  env.logLevel = 'error';
  env.wasm.wasmPaths = folder;
  return { Tensor, create: (url) => InferenceSession.create(url) };
}

/** Pictures come with channels first; a run copies its input in and its output out, as the others do. */
async function liteRt() {
  const { loadLiteRt, loadAndCompile, Tensor } = await import('/litert/index.js');
  await loadLiteRt('/litert/wasm/');
  const channelsLast = ({ dims: [n, c, h, w], data }) => {
    const out = new Float32Array(data.length);
    for (let i = 0; i < data.length; i++) out[(i % (h * w)) * c + Math.floor(i / (h * w))] = data[i];
    return { data: out, dims: [n, h, w, c] };
  };
  class Input {
    constructor(_type, data, dims) {
      Object.assign(this, channelsLast({ data, dims }));
    }
  }
  async function create(url) {
    const model = await loadAndCompile(url, { accelerator: 'wasm' });
    return {
      async run(feeds) {
        const inputs = Object.values(feeds).map(({ data, dims }) => new Tensor(data, dims));
        const outputs = await model.run(inputs);
        const values = outputs.map((output) => ({
          type: 'float32',
          dims: [...output.type.layout.dimensions],
          data: output.toTypedArray(),
        }));
        for (const tensor of [...inputs, ...outputs]) tensor.delete();
        return Object.fromEntries(values.map((value, i) => [i, value]));
      },
    };
  }
  return { Tensor: Input, create };
}

const openers = {
  kinglet: () => kinglet(),
  // Without the way to a worker and back, which costs more than a very small model.
  'kinglet in page': () => kinglet({ worker: false }),
  'kinglet simd': () => kinglet({ simd: 'fixed' }),
  // A decoder's cache stays in the engine.
  'kinglet with state': () => kinglet({ state: { 'past_key_values.*': 'present.*' } }),
  'kinglet 2 threads': () => kinglet({ threads: 2 }),
  'onnxruntime-web': () => onnxruntimeWeb('/ort/', 1),
  'onnxruntime-web 2 threads': () => onnxruntimeWeb('/ort-threads/', 2),
  'LiteRT.js': liteRt,
};

export const openRuntime = (name) => openers[name]();
