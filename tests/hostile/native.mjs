// The native program hostile_models (tests/fuzz/hostile) on the conformance models.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cmakeBuild } from '../../.tools/cmake.mjs';
import { build } from '../../.tools/paths.mjs';
import { fetchTestdata, onnxTestdataFolder } from '../../.tools/testdata.mjs';

const program = join(build, 'native/hostile_models');

/**
 * @param {string[]} args
 * @returns {Promise<{ passed: boolean, summary: string, text: string }>} `summary`: the program's last line
 */
export async function hostileModels(args) {
  await fetchTestdata();
  if (!existsSync(program)) await cmakeBuild('native', ['hostile_models']);
  const run = promisify(execFile)(program, [onnxTestdataFolder, ...args], {
    maxBuffer: 1 << 28,
    env: { ...process.env, UBSAN_OPTIONS: 'print_stacktrace=1' },
  });
  const { code = 0, stdout, stderr } = await run.catch((error) => error);
  const text = `${stdout}${stderr}`;
  return { passed: code === 0, summary: stdout.trimEnd().split('\n').at(-1), text };
}
