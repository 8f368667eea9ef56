// The contestants as a page sees them, on one thread where nothing else is said. Each loads only when it is asked for.

async function kinglet({ simd, worker = true, threads = 1 } = {}) {
  const { InferenceSession, Tensor, env } = await import('/kinglet/index.js');
  const create = (url) => {
    env.wasm.simd = simd;
    return InferenceSession.create(url, { worker, intraOpNumThreads: threads });
  };
  return { Tensor, create };
}

const openers = {
  kinglet: () => kinglet(),
  // Without the way to a worker and back, which costs more than a very small model.
  'kinglet in page': () => kinglet({ worker: false }),
  'kinglet simd': () => kinglet({ simd: 'fixed' }),
  'kinglet 2 threads': () => kinglet({ threads: 2 }),
  'onnxruntime-web': async () => {
    const { InferenceSession, Tensor, env } = await import('/ort/ort.wasm.min.mjs');
    env.wasm.numThreads = 1;
    env.logLevel = 'error';
    env.wasm.wasmPaths = '/ort/';
    return { Tensor, create: (url) => InferenceSession.create(url) };
  },
};

export const openRuntime = (name) => openers[name]();
