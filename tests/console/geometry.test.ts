import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BOX_OPTIONS, boxesFromMap } from '../../web/console/src/ocr/boxes.js';
import { findRegions } from '../../web/console/src/ocr/components.js';
import { detectSize } from '../../web/console/src/ocr/detect-input.js';
import type { Point, Quad } from '../../web/console/src/ocr/image.js';
import { sortByReadingOrder } from '../../web/console/src/ocr/order.js';
import {
  convexHull,
  corners,
  meanInside,
  minimumAreaRectangle,
  unclip,
} from '../../web/console/src/ocr/rectangle.js';
import { cropQuad, homography, rotateQuad, turnAround } from '../../web/console/src/ocr/warp.js';

const near = (got: number, want: number, within = 1e-6) =>
  assert.ok(Math.abs(got - want) <= within, `${got} is not within ${within} of ${want}`);

/** A rectangle's corners by its definition: centre, size, angle in degrees. */
function rotated(cx: number, cy: number, w: number, h: number, degrees: number): Point[] {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ].map(([u, v]) => [cx + (u * w * c) / 2 - (v * h * s) / 2, cy + (u * w * s) / 2 + (v * h * c) / 2]);
}

describe('minimum-area rectangle', () => {
  for (const degrees of [0, 5, 30, 45, 77, 90, 135]) {
    test(`of a cloud inside a rectangle turned by ${degrees}`, () => {
      const frame = rotated(100, 50, 80, 20, degrees);
      const cloud: Point[] = [...frame];
      for (let i = 0; i < 200; i++) {
        const [u, v] = [((i * 37) % 100) / 100, ((i * 61) % 100) / 100];
        cloud.push([
          frame[0][0] + u * (frame[1][0] - frame[0][0]) + v * (frame[3][0] - frame[0][0]),
          frame[0][1] + u * (frame[1][1] - frame[0][1]) + v * (frame[3][1] - frame[0][1]),
        ]);
      }
      const got = minimumAreaRectangle(cloud);
      assert.ok(got);
      near(Math.max(got.width, got.height), 80);
      near(Math.min(got.width, got.height), 20);
      near(got.centre[0], 100);
      near(got.centre[1], 50);
    });
  }
  test('of a point, of a line, of nothing', () => {
    assert.deepEqual(minimumAreaRectangle([[3, 4]]), { centre: [3, 4], axis: [1, 0], width: 0, height: 0 });
    const line = minimumAreaRectangle([
      [0, 0],
      [3, 4],
      [6, 8],
    ]);
    assert.ok(line);
    near(line.width * line.height, 0);
    near(Math.max(line.width, line.height), 10);
    assert.equal(minimumAreaRectangle([]), null);
  });
  test('the hull has no inner and no collinear points', () => {
    const hull = convexHull([
      [0, 0],
      [2, 0],
      [4, 0],
      [4, 4],
      [2, 2],
      [0, 4],
      [0, 2],
    ]);
    assert.deepEqual([...hull].sort(), [
      [0, 0],
      [0, 4],
      [4, 0],
      [4, 4],
    ]);
  });
});

test('unclip grows every side by area * ratio / perimeter', () => {
  const grown = unclip({ centre: [0, 0], axis: [1, 0], width: 100, height: 20 }, 1.5);
  const distance = (100 * 20 * 1.5) / 240;
  near(grown.width, 100 + 2 * distance);
  near(grown.height, 20 + 2 * distance);
});

test('corners begin at the top left and run clockwise', () => {
  const quad = corners({
    centre: [50, 50],
    axis: [Math.SQRT1_2 * 1.2 ** 0, Math.SQRT1_2],
    width: 40,
    height: 10,
  });
  assert.ok(quad[0][0] < quad[1][0] && quad[0][1] < quad[3][1]);
  const area =
    quad.reduce((sum, [x, y], i) => sum + x * quad[(i + 1) % 4][1] - quad[(i + 1) % 4][0] * y, 0) / 2;
  near(area, 400);
});

test('regions are 8-connected and told apart', () => {
  const rows = ['##....', '..#...', '....##', '....##'];
  const map = Float32Array.from(rows.join(''), (c) => (c === '#' ? 1 : 0));
  assert.deepEqual(
    findRegions(map, 6, 4, 0.3).map((region) => region.pixels),
    [3, 4],
  );
  assert.deepEqual(findRegions(Float32Array.of(NaN, 0.25), 2, 1, 0.25), []);
});

test('the mean inside a turned box', () => {
  const map = new Float32Array(100).fill(0.5);
  near(meanInside(map, 10, 10, rotated(5, 5, 6, 2, 30) as unknown as Quad), 0.5);
});

test('a turned bar in a map becomes one box of the right place, size and turn', () => {
  const [width, height] = [160, 96];
  const map = new Float32Array(width * height);
  const [cx, cy, w, h, angle] = [80, 48, 90, 14, 20];
  const [c, s] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = [(x - cx) * c + (y - cy) * s, -(x - cx) * s + (y - cy) * c];
      if (Math.abs(u) <= w / 2 && Math.abs(v) <= h / 2) map[y * width + x] = 0.9;
    }
  }
  const [box, ...others] = boxesFromMap(map, width, height, 320, 192);
  assert.equal(others.length, 0);
  near(box.score, 0.9, 0.03);
  const [a, b, , d] = box.quad;
  const distance = (w * h * BOX_OPTIONS.unclipRatio) / (2 * (w + h));
  near(Math.hypot(b[0] - a[0], b[1] - a[1]), 2 * (w + 2 * distance), 5);
  near(Math.hypot(d[0] - a[0], d[1] - a[1]), 2 * (h + 2 * distance), 5);
  near((Math.atan2(b[1] - a[1], b[0] - a[0]) * 180) / Math.PI, angle, 1.5);
});

test('faint and tiny regions are no boxes', () => {
  const map = new Float32Array(64 * 64);
  for (let x = 5; x < 50; x++) for (let y = 10; y < 20; y++) map[y * 64 + x] = 0.5;
  map[40 * 64 + 30] = 1;
  assert.deepEqual(boxesFromMap(map, 64, 64, 64, 64), []);
});

test('a homography takes corners to corners', () => {
  const quad: Quad = [
    [10, 20],
    [110, 5],
    [130, 90],
    [0, 70],
  ];
  const map = homography(60, 30, quad);
  assert.ok(map);
  const [a, b, c, d, e, f, g, h] = map;
  (
    [
      [0, 0],
      [60, 0],
      [60, 30],
      [0, 30],
    ] as Point[]
  ).forEach(([x, y], i) => {
    const w = g * x + h * y + 1;
    near((a * x + b * y + c) / w, quad[i][0], 1e-9);
    near((d * x + e * y + f) / w, quad[i][1], 1e-9);
  });
  assert.equal(
    homography(10, 10, [
      [0, 0],
      [0, 0],
      [0, 0],
      [0, 0],
    ]),
    null,
  );
});

test('cropping an upright box copies its pixels; half a turn twice gives them back', () => {
  const data = Uint8ClampedArray.from({ length: 20 * 12 * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : (i * 31) % 256,
  );
  const picture = { width: 20, height: 12, data };
  const crop = cropQuad(picture, [
    [4, 2],
    [14, 2],
    [14, 8],
    [4, 8],
  ]);
  assert.ok(crop);
  assert.deepEqual([crop.width, crop.height], [10, 6]);
  for (let y = 0; y < 6; y++) {
    for (let x = 0; x < 10; x++) {
      const [got, want] = [(y * 10 + x) * 4, ((y + 2) * 20 + x + 4) * 4];
      assert.deepEqual(crop.data.slice(got, got + 3), data.slice(want, want + 3));
    }
  }
  assert.deepEqual(turnAround(turnAround(crop)).data, crop.data);
  assert.equal(
    cropQuad(picture, [
      [4, 2],
      [4, 2],
      [4, 8],
      [4, 8],
    ]),
    null,
  );
});

test('the detector sees multiples of 32 and at most the longest side', () => {
  assert.deepEqual(detectSize(960, 490, 960), { width: 960, height: 480 });
  assert.deepEqual(detectSize(4000, 2600, 960), { width: 960, height: 640 });
  assert.deepEqual(detectSize(5, 5000, 960), { width: 32, height: 960 });
});

describe('reading order', () => {
  const line = (text: string, x: number, y: number, w = 80, h = 20) => ({
    text,
    quad: [
      [x, y],
      [x + w, y],
      [x + w, y + h],
      [x, y + h],
    ] as Quad,
  });
  const page = [line('three', 100, 62), line('one', 0, 10), line('two', 120, 4), line('four', 210, 57)];
  const names = (lines: { text: string }[]) => lines.map((l) => l.text);
  test('rows from the top, each from the left', () =>
    assert.deepEqual(names(sortByReadingOrder(page)), ['one', 'two', 'three', 'four']));
  test('on a page that stands on its head', () => {
    const turned = page.map(({ text, quad }) => ({
      text,
      quad: quad.map(([x, y]) => [400 - x, 300 - y] as Point) as unknown as Quad,
    }));
    assert.deepEqual(names(sortByReadingOrder(turned)), ['one', 'two', 'three', 'four']);
  });
  test('rotateQuad changes only which corner is first', () => {
    assert.deepEqual(rotateQuad(page[0].quad, 2)[0], page[0].quad[2]);
  });
});
