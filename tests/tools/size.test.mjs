import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkSizes } from '../../.tools/size.mjs';

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
