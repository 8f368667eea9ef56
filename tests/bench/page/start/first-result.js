// The first result of the tiny model; the time counts from the start of the navigation.
export async function firstResult({ InferenceSession, Tensor }, options) {
  const session = await InferenceSession.create('/subjects/tiny.onnx', options);
  const image = new Tensor('float32', new Float32Array(784).fill(0.5), [1, 1, 28, 28]);
  return Array.from((await session.run({ image })).scores.data);
}

export function report(scores) {
  globalThis.started = { milliseconds: performance.now(), scores };
  console.log('started');
}
