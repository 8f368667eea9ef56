// The package as users get it: packed, installed in an empty folder, run in Node, and bundled for a page.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';
import { tinyModel } from '../../../models/recipes/tiny.mjs';
import { launch, openPage, serve } from './chromium.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'kinglet-install-'));
const run = (program, args, cwd) => execFileSync(program, args, { cwd, encoding: 'utf8', stdio: 'pipe' });

/** The README's example, with its picture and the tiny model in place of the names it leaves open. */
function example(modelPath) {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const [, code] = /```js\n(import .*?)```/s.exec(readme);
  const named = code.replace(/create\('[^']*'\)/, `create(${JSON.stringify(modelPath)})`);
  assert.notEqual(named, code);
  return named.replace(/(import .*\n)/, '$1const pixels = new Float32Array(28 * 28).fill(0.5);\n');
}

before(() => {
  const packed = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], root),
  );
  writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}');
  run('npm', ['install', '--offline', '--ignore-scripts', join(folder, packed[0].filename)], folder);
  writeFileSync(join(folder, 'model.onnx'), tinyModel());
});
after(() => rmSync(folder, { recursive: true }));

test('what is installed is the package and nothing else', () => {
  assert.deepEqual(
    readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.')),
    ['kinglet'],
  );
  const files = readdirSync(join(folder, 'node_modules/kinglet/dist'), { recursive: true });
  for (const name of ['index.js', 'index.d.ts', 'worker.js', 'kinglet-simd.wasm', 'kinglet-relaxed.wasm']) {
    assert.ok(files.includes(name), `${name} is not in the package`);
  }
});

test('the README’s example runs in Node', () => {
  writeFileSync(join(folder, 'example.js'), example(join(folder, 'model.onnx')));
  const printed = run(process.execPath, ['example.js'], folder);
  assert.match(printed, /^Float32Array\(10\) \[/);
});

test('the type declarations serve a strict program', () => {
  writeFileSync(
    join(folder, 'program.ts'),
    `import { env, InferenceSession, KingletError, Tensor, type TypedTensor } from 'kinglet';
    env.wasm.numThreads = 1;
    const session = await InferenceSession.create(new Uint8Array(), { executionProviders: ['wasm'], signal: new AbortController().signal });
    const x: TypedTensor<'float32'> = new Tensor('float32', [1, 2], [2]);
    const { y } = await session.run({ x });
    const data: Float32Array = y!.data as Float32Array;
    const [meta] = session.inputMetadata;
    if (meta?.isTensor) console.log(meta.shape.length, meta.type, data.length);
    const bigints: BigInt64Array = new Tensor('int64', [1n]).data;
    try { await session.release(); } catch (error) { if (error instanceof KingletError) console.log(error.code, bigints); }
    // @ts-expect-error: there is no such type
    new Tensor('float33', [1]);
    // @ts-expect-error: an output's tensor, or its name
    await session.run({ x }, [1]);
    `,
  );
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const options =
    '--strict --noEmit --noUncheckedIndexedAccess --target es2022 --module nodenext --lib es2022,dom';
  try {
    run(process.execPath, [tsc, ...options.split(' '), 'program.ts'], folder);
  } catch (error) {
    assert.fail(error.stdout);
  }
});

describe('bundled by Vite', () => {
  let browser;
  let site;
  const source = join(folder, 'page');
  const out = join(folder, 'bundle');

  before(async () => {
    mkdirSync(source);
    writeFileSync(
      join(source, 'index.html'),
      '<!doctype html><link rel="icon" href="data:,"><script type="module" src="./page.js"></script>',
    );
    const code = example('model.onnx').replace('console.log(', 'globalThis.shown = Array.from(');
    writeFileSync(join(source, 'page.js'), `${code}\nglobalThis.kinglet = await import('kinglet');\n`);
    await build({
      root: source,
      base: './',
      logLevel: 'error',
      configFile: false,
      build: { outDir: out, emptyOutDir: true, target: 'es2022' },
    });
    browser = await launch();
    site = await serve({ mounts: { '': `${out}/` }, files: { 'model.onnx': tinyModel() } });
  });
  after(async () => {
    await browser?.close();
    await site?.close();
  });

  test('the bundle holds the wasm files and the worker, once each', () => {
    const files = readdirSync(out, { recursive: true }).filter((name) => statSync(join(out, name)).isFile());
    for (const part of [
      /simd-(?!threads).*\.wasm$/,
      /relaxed-(?!threads).*\.wasm$/,
      /simd-threads.*\.wasm$/,
      /relaxed-threads.*\.wasm$/,
      /worker.*\.js$/,
    ]) {
      assert.equal(files.filter((name) => part.test(name)).length, 1, `${part} in ${files}`);
    }
  });

  test('the README’s example runs in the page, in a worker', async () => {
    const page = await openPage(browser, `${site.url}plain/index.html`);
    await page.waitForFunction(() => globalThis.shown !== undefined);
    const shown = await page.evaluate(() => globalThis.shown);
    const { InferenceSession, Tensor, env } = await import(
      pathToFileURL(join(folder, 'node_modules/kinglet/dist/index.js'))
    );
    env.wasm.simd = 'fixed';
    const session = await InferenceSession.create(tinyModel());
    const image = new Tensor('float32', new Float32Array(28 * 28).fill(0.5), [1, 1, 28, 28]);
    const { scores } = await session.run({ image });
    assert.equal(shown.length, 10);
    for (const [i, value] of shown.entries()) assert.ok(Math.abs(value - scores.data[i]) < 1e-4);
    assert.deepEqual([...page.problems, ...page.warnings], []);
    await page.close();
  });
});
