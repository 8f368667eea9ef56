// npm test: installs what is missing, builds, and runs every check and test. The last line sums all of them.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkGenerated } from './abi.mjs';
import { installPackages } from './apt.mjs';
import { buildAll } from './build.mjs';
import { fillCatalog } from './catalog.mjs';
import { checks } from './lint.mjs';
import { main, Stop, step, stop } from './log.mjs';
import { nativeTests } from './native-tests.mjs';
import { nodeTests } from './node-tests.mjs';
import { installNodePackages } from './npm.mjs';
import { checkOperators } from './operators.mjs';
import { build, root } from './paths.mjs';
import { checkSizes } from './size.mjs';
import { fetchTestdata } from './testdata.mjs';
import { opcodeFailures } from './wasm-opcodes.mjs';

const total = { passed: 0, failed: 0 };
/** @type {string[]} */
const failedParts = [];

/**
 * @param {string} part
 * @param {{ passed: number, failed: number }} counts
 */
function count(part, { passed, failed }) {
  total.passed += passed;
  total.failed += failed;
  if (failed) failedParts.push(`${part} (${failed})`);
}

/**
 * A check passes or says what is wrong; the run goes on.
 * @param {string} name
 * @param {() => unknown} work
 */
async function check(name, work) {
  try {
    await step(name, work);
    count(name, { passed: 1, failed: 0 });
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    console.log(`  FAILED ${name}: ${error.message}`);
    count(name, { passed: 0, failed: 1 });
  }
}

/** @param {string} name */
const wasm = (name) => readFileSync(join(build, `wasm/kinglet-${name}.wasm`));

await main(async () => {
  await installPackages(['build', 'test', 'models']);
  await installNodePackages();
  await fetchTestdata();

  await check('generated code is fresh', checkGenerated);
  count('C++ native', await nativeTests('native'));
  for (const form of ['simd', 'relaxed']) count(`C++ ${form}`, await nativeTests('emscripten', form));
  await buildAll(['wasm', 'package', 'console']);
  await fillCatalog();

  for (const [name, lint] of checks) await check(name, () => lint(false));
  await check('no relaxed instruction in the simd builds', () => {
    const failures = [
      ...opcodeFailures(wasm('simd'), wasm('relaxed')),
      ...opcodeFailures(wasm('simd-threads'), wasm('relaxed-threads')),
    ];
    if (failures.length) stop(failures.join('\n'));
  });
  await check('OPERATORS.md is fresh', checkOperators);
  await check('size budget', () => {
    const { lines, failures } = checkSizes();
    for (const line of lines) console.log(`    ${line}`);
    if (failures.length) stop(failures.join('\n'));
  });

  const slow = ['tests/e2e', 'tests/bench'];
  await step('tests under Node', async () =>
    count('Node', await nodeTests(['tests'], { apart: slow, parallel: 2 })),
  );
  if (existsSync(join(root, 'tests/e2e'))) {
    await step('tests in Chromium', async () => count('Chromium', await nodeTests(['tests/e2e'])));
  }

  if (failedParts.length) console.log(`\nfailed: ${failedParts.join(', ')}`);
  console.log(`${total.passed} passed, ${total.failed} failed`);
  if (total.failed) process.exitCode = 1;
});
