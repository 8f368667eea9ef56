// The contestants as a page sees them. Each loads only when it is asked for.

async function kinglet(simd, worker) {
  const { InferenceSession, Tensor, env } = await import('/kinglet/index.js');
  if (simd) env.wasm.simd = simd;
  return { Tensor, create: (url) => InferenceSession.create(url, { worker }) };
}

const openers = {
  kinglet: () => kinglet(undefined, true),
  // Without the way to a worker and back, which costs more than a very small model.
  'kinglet in page': () => kinglet(undefined, false),
  'kinglet simd': () => kinglet('fixed', true),
  'onnxruntime-web': async () => {
    const { InferenceSession, Tensor, env } = await import('/ort/ort.wasm.min.mjs');
    env.wasm.numThreads = 1;
    env.logLevel = 'error';
    env.wasm.wasmPaths = '/ort/';
    return { Tensor, create: (url) => InferenceSession.create(url) };
  },
};

export const openRuntime = (name) => openers[name]();
