import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkConsole, checkCore } from './layering.mjs';

/** The failures after a change to a copy of the core. */
function planted(change) {
  const root = mkdtempSync(join(tmpdir(), 'layering-'));
  try {
    cpSync('wasm', join(root, 'wasm'), { recursive: true });
    mkdirSync(join(root, 'web/console/parts'), { recursive: true });
    change(root);
    return [...checkCore(root), ...checkConsole(root)].join('\n');
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('every include of the core and every import of the console points down', () => {
  assert.deepEqual([...checkCore(), ...checkConsole()], []);
});

const plants = [
  ['base/status.h', '#include "graph/graph.h"', /base\/ must not include graph\//],
  ['base/status.h', '  #  include "base/../ops/op.h"', /base\/ must not include ops\//],
  ['graph/graph.cc', '#include "../ops/op.h"', /from the wasm\/ root/],
  ['graph/graph.cc', '#include "patch.h"', /from the wasm\/ root/],
  ['base/dtype.cc', '#include <iostream>', /not for the core/],
];
for (const [file, line, expected] of plants) {
  test(`a planted ${line} in ${file} is found`, () => {
    assert.match(
      planted((root) => appendFileSync(join(root, 'wasm', file), `${line}\n`)),
      expected,
    );
  });
}

test('siblings that do not see each other: passes and plan', () => {
  const found = planted((root) => {
    mkdirSync(join(root, 'wasm/passes'), { recursive: true });
    writeFileSync(join(root, 'wasm/passes/planted.cc'), '#include "plan/plan.h"\n');
  });
  assert.match(found, /passes\/ must not include plan\//);
});

test('a folder without a row is found', () => {
  const found = planted((root) => {
    mkdirSync(join(root, 'wasm/helpers'));
    writeFileSync(join(root, 'wasm/helpers/x.h'), '');
  });
  assert.match(found, /helpers\/ has no row/);
});

test('the console may import the index, and nothing behind it', () => {
  const write = (text) => (root) => writeFileSync(join(root, 'web/console/parts/x.ts'), text);
  assert.equal(planted(write("import { env } from '../../src/index.js';\nimport './y.js';\n")), '');
  assert.match(
    planted(write("import { heap } from '../../src/abi/heap.js';\n")),
    /must not import web\/src\/abi\/heap.js/,
  );
  assert.match(planted(write("const m = await import('../../src/abi/heap.js');\n")), /must not import/);
});
