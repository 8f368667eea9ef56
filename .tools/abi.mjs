// Generated code: every generator of the project, and the check that what it writes is what is committed.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run, step, stop } from './log.mjs';
import { root } from './paths.mjs';

const generators = ['wasm/capi/gen_abi.mjs'];

export async function buildAbi() {
  for (const generator of generators) {
    if (existsSync(join(root, generator)))
      await step(generator, () => run(process.execPath, [generator], { cwd: root }));
  }
}

/** Fails when a generator, called with --check, says that its committed output is out of date. */
export async function checkGenerated() {
  for (const generator of generators) {
    if (!existsSync(join(root, generator))) continue;
    const { code, text } = await run(process.execPath, [generator, '--check'], {
      cwd: root,
      allowFailure: true,
    });
    if (code !== 0) stop(`generated code is out of date; run: node ${generator}\n${text}`);
  }
  return `${generators.length} generators`;
}
