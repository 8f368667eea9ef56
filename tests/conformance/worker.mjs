// Runs the cases it is sent, one at a time, on the runtime named by its argument. A crash ends only this process.
import { mismatch } from '../support/compare.mjs';
import { openRuntime } from '../support/runtimes.mjs';
import { readCase } from './cases.mjs';

const runtime = await openRuntime(process.argv[2]);

/** @returns {Promise<{ verdict: string, message?: string, operators: string[] }>} */
async function runCase(name) {
  const { model, operators, tolerance, sets } = await readCase(name);
  if (sets.length === 0) return { verdict: 'mismatch', message: 'the case has no data', operators };
  let session;
  try {
    session = await runtime.create(model);
    for (const { inputs, outputs } of sets) {
      const actual = await session.run(inputs);
      for (const [output, expected] of Object.entries(outputs)) {
        const found = mismatch(actual[output], expected, tolerance);
        if (found) return { verdict: 'mismatch', message: `${output}: ${found}`, operators };
      }
    }
    return { verdict: 'pass', operators };
  } catch (error) {
    const code = runtime.typed(error);
    const message = code ? `${code}: ${error.message}` : `${error?.stack ?? error}`;
    return { verdict: code ? 'refused' : 'untyped', message, operators };
  } finally {
    await session?.release().catch(() => undefined);
  }
}

process.on('message', async (name) => {
  const since = performance.now();
  const result = await runCase(name).catch((error) => ({
    verdict: 'untyped',
    message: `${error?.stack}`,
    operators: [],
  }));
  process.send({ name, ...result, milliseconds: performance.now() - since });
});
process.send({ ready: true });
