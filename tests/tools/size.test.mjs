import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bytesByFile, bytesByFolder, checkSizes } from '../../.tools/size.mjs';

test('raw and brotli limits are each noticed, and a missing file too', () => {
  const folder = mkdtempSync(join(tmpdir(), 'size-'));
  try {
    const write = (name, bytes) => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    assert.deepEqual(checkSizes([write('small.wasm', randomBytes(1000))]).failures, []);
    const large = checkSizes([write('zeros.wasm', Buffer.alloc(1_500_001))]).failures;
    assert.equal(large.length, 1);
    assert.match(large[0], /raw 1,500,001/);
    const dense = checkSizes([write('dense.wasm', randomBytes(400_001))]).failures;
    assert.equal(dense.length, 1);
    assert.match(dense[0], /brotli/);
    assert.match(checkSizes([join(folder, 'none.wasm')]).failures[0], /missing/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

// The linker's map: sections at the margin, pieces of input files, symbols in them.
const map = `    Addr      Off     Size Out     In      Symbol
       -        8       10 TYPE
       -       20      100 CODE
       -       21        c         <internal>:(__wasm_call_ctors)
       -       30       40         CMakeFiles/kinglet_ops.dir/wasm/ops/pad.cc.o:(_Zpad)
       -       30       40                 pad(int (*)(x))
       -       70       20         CMakeFiles/kinglet_kernels.dir/wasm/kernels/conv/pool.cc.o:(_Zpool)
       -       90       30         /lib/libc.a(floatscan.o):(scan)
   1000       c0       80 .rodata
   1000       c1       60         <internal>:(.rodata)
   1060      121        8         CMakeFiles/kinglet_ops.dir/wasm/ops/pad.cc.o:(.rodata.table)
`;

test("a linker's map gives bytes by file and by folder", () => {
  const files = bytesByFile(map);
  assert.deepEqual(files.get('wasm/ops/pad.cc'), { code: 0x40, data: 8, functions: 1 });
  assert.deepEqual(files.get('wasm/kernels/conv/pool.cc'), { code: 0x20, data: 0, functions: 1 });
  assert.deepEqual(files.get('system/libc'), { code: 0x30, data: 0, functions: 1 });
  assert.deepEqual(files.get('merged strings'), { code: 12, data: 0x60, functions: 1 });
  assert.deepEqual([...bytesByFolder(files).keys()].sort(), [
    'merged strings',
    'system',
    'wasm/kernels/conv',
    'wasm/ops',
  ]);
});
