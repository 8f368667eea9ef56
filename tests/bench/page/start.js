// The tiny model as soon as the page can; the time counts from the start of the navigation. Without a name after the
// question mark: the page alone.
import { openRuntime } from './runtimes.js';

async function firstResult(runtime) {
  const { Tensor, create } = await openRuntime(runtime);
  const session = await create('/subjects/tiny.onnx');
  const image = new Tensor('float32', new Float32Array(784).fill(0.5), [1, 1, 28, 28]);
  return Array.from((await session.run({ image })).scores.data);
}

const runtime = decodeURIComponent(location.search.slice(1));
const scores = runtime ? await firstResult(runtime) : undefined;
globalThis.started = { milliseconds: performance.now(), scores };
console.log('started');
