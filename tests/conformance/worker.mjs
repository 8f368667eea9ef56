// Runs the cases it is sent, one at a time, on the runtime named by its argument. A crash ends only this process.
import { mismatch } from '../support/compare.mjs';
import { openRuntime } from '../support/runtimes.mjs';
import { readCase } from './cases.mjs';
import { exceptionOf } from './exceptions.mjs';

const runtime = await openRuntime(process.argv[2]);

/** The first output that differs, in words. */
function difference(actual, expected, compare) {
  for (const [output, value] of Object.entries(expected)) {
    const found = compare(actual[output], value);
    if (found) return `${output}: ${found}`;
  }
  return undefined;
}

/** @returns {Promise<{ verdict: string, message?: string, operators: string[] }>} */
async function runCase(name) {
  const { model, operators, tolerance, sets } = await readCase(name);
  if (sets.length === 0) return { verdict: 'mismatch', message: 'the case has no data', operators };
  const exception = exceptionOf(name);
  const usual = (actual, expected) => mismatch(actual, expected, tolerance);
  let needed = false;
  let session;
  try {
    session = await runtime.create(model);
    for (const { inputs, outputs } of sets) {
      const actual = await session.run(inputs);
      let found = difference(actual, outputs, usual);
      needed ||= found !== undefined;
      if (exception) {
        const { check, judge, refused, mismatch: compare = usual } = exception;
        const run = { model, inputs, outputs, actual };
        if (check) found = check(run);
        else if (refused) found = `an answer instead of ${refused}`;
        else found = difference(actual, judge ? await judge(run) : outputs, compare);
      }
      if (found) return { verdict: 'mismatch', message: found, operators };
    }
    if (exception && !needed)
      return { verdict: 'mismatch', message: 'passes without its exception (exceptions.mjs)', operators };
    return { verdict: 'pass', operators };
  } catch (error) {
    const code = runtime.typed(error);
    const message = code ? `${code}: ${error.message}` : `${error?.stack ?? error}`;
    if (code && code === exception?.refused) return { verdict: 'pass', message, operators };
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
