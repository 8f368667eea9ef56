import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plotSvg } from './plot.mjs';

const points = [1, 10, 100].map((value) => [value, value]);
const plot = { title: 'a < b & c', across: 'x', up: 'ms', lines: [{ name: 'one', points }] };

test('equal factors are equal distances, larger is further right and up', () => {
  const svg = plotSvg([plot]);
  const circles = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [+x, +y]);
  assert.equal(circles.length, 3);
  const [[x0, y0], [x1, y1], [x2, y2]] = circles;
  assert.ok(x0 < x1 && y0 > y1);
  assert.ok(Math.abs(x2 - x1 - (x1 - x0)) <= 0.2 && Math.abs(y0 - y1 - (y1 - y2)) <= 0.2);
});

test('text is escaped and panels do not overlap', () => {
  const svg = plotSvg([plot, plot, plot]);
  assert.ok(svg.includes('a &#60; b &#38; c'));
  assert.equal(new Set(svg.match(/translate\([^)]*\)/g)).size, 3);
});
