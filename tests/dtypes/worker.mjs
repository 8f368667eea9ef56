// Runs the models it is sent on the runtime named by its argument. A crash ends only this process.
import { openRuntime } from '../support/runtimes.mjs';
import { mapTensors } from '../support/values.mjs';

const runtime = await openRuntime(process.argv[2]);

/** Half floats as their bits, whatever this Node has for them. */
const plain = (type, data, dims) => ({
  type,
  dims: [...dims],
  data: type === 'float16' ? new Uint16Array(data.buffer, data.byteOffset, data.length) : data,
});

process.on('message', async ({ model, feeds }) => {
  let session;
  try {
    session = await runtime.create(model);
    const results = await session.run(feeds);
    const outputs = Object.entries(results).map(([name, value]) => [name, mapTensors(value, plain)]);
    process.send({ outputs: Object.fromEntries(outputs) });
  } catch (error) {
    process.send({ failure: `${error?.message ?? error}`, code: runtime.typed(error) });
  } finally {
    await session?.release().catch(() => undefined);
  }
});
process.send({ ready: true });
