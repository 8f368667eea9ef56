import type { Picture, Point, Quad } from './image.js';

/** The eight coefficients of x' = (a x + b y + c) / (g x + h y + 1), y' = (d x + e y + f) / (g x + h y + 1). */
type Homography = readonly number[];

/** The mapping that takes the corners of a `width` x `height` rectangle to `quad`; null if the quad is degenerate. */
export function homography(width: number, height: number, quad: Quad): Homography | null {
  const from: Point[] = [
    [0, 0],
    [width, 0],
    [width, height],
    [0, height],
  ];
  const rows: number[][] = [];
  from.forEach(([x, y], i) => {
    const [u, v] = quad[i];
    rows.push([x, y, 1, 0, 0, 0, -u * x, -u * y, u], [0, 0, 0, x, y, 1, -v * x, -v * y, v]);
  });
  return solve(rows);
}

/** Gauss-Jordan elimination with partial pivoting; each row is coefficients and right-hand side. */
function solve(rows: number[][]): number[] | null {
  const n = rows.length;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let r = column + 1; r < n; r++)
      if (Math.abs(rows[r][column]) > Math.abs(rows[pivot][column])) pivot = r;
    if (Math.abs(rows[pivot][column]) < 1e-12) return null;
    [rows[column], rows[pivot]] = [rows[pivot], rows[column]];
    const scale = rows[column][column];
    for (let k = column; k <= n; k++) rows[column][k] /= scale;
    for (let r = 0; r < n; r++) {
      const factor = rows[r][column];
      if (r === column || factor === 0) continue;
      for (let k = column; k <= n; k++) rows[r][k] -= factor * rows[column][k];
    }
  }
  return rows.map((row) => row[n]);
}

const CUBIC = -0.75;
const MOST_PIXELS = 4_000_000;

/**
 * The straightened picture of `quad`: as wide and high as its longer opposite sides, bicubic, edge pixels repeated beyond the border.
 * Null when nothing of a pixel's size is left.
 */
export function cropQuad(picture: Picture, quad: Quad): Picture | null {
  const { width, height } = quadSize(quad);
  if (width < 1 || height < 1 || width * height > MOST_PIXELS) return null;
  const map = homography(width, height, quad);
  if (!map) return null;
  return { width, height, data: sampleBicubic(picture, width, height, map) };
}

/** The longer of the opposite sides, in whole pixels. */
export function quadSize(quad: Quad): { width: number; height: number } {
  const side = (i: number, j: number) => Math.hypot(quad[i][0] - quad[j][0], quad[i][1] - quad[j][1]);
  return {
    width: Math.round(Math.max(side(0, 1), side(3, 2))),
    height: Math.round(Math.max(side(0, 3), side(1, 2))),
  };
}

/** The same corners with the corner `by` steps clockwise first. */
export function rotateQuad(quad: Quad, by: number): Quad {
  const at = (i: number) => quad[(i + by) % 4];
  return [at(0), at(1), at(2), at(3)];
}

function sampleBicubic(picture: Picture, width: number, height: number, map: Homography): Uint8ClampedArray {
  const [a, b, c, d, e, f, g, h] = map;
  const out = new Uint8ClampedArray(width * height * 4);
  const wx = new Float64Array(4);
  const wy = new Float64Array(4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const w = 1 / (g * x + h * y + 1);
      const sx = (a * x + b * y + c) * w;
      const sy = (d * x + e * y + f) * w;
      const ix = Math.floor(sx);
      const iy = Math.floor(sy);
      cubicWeights(sx - ix, wx);
      cubicWeights(sy - iy, wy);
      let [red, green, blue] = [0, 0, 0];
      for (let j = 0; j < 4; j++) {
        const row = Math.min(Math.max(iy - 1 + j, 0), picture.height - 1) * picture.width;
        for (let i = 0; i < 4; i++) {
          const at = (row + Math.min(Math.max(ix - 1 + i, 0), picture.width - 1)) * 4;
          const weight = wx[i] * wy[j];
          red += weight * picture.data[at];
          green += weight * picture.data[at + 1];
          blue += weight * picture.data[at + 2];
        }
      }
      const to = (y * width + x) * 4;
      out[to] = red;
      out[to + 1] = green;
      out[to + 2] = blue;
      out[to + 3] = 255;
    }
  }
  return out;
}

/** Keys' cubic convolution kernel at t + 1, t, 1 - t, 2 - t. */
function cubicWeights(t: number, weights: Float64Array): void {
  const near = (x: number) => ((CUBIC + 2) * x - (CUBIC + 3)) * x * x + 1;
  const far = (x: number) => ((CUBIC * x - 5 * CUBIC) * x + 8 * CUBIC) * x - 4 * CUBIC;
  weights[0] = far(t + 1);
  weights[1] = near(t);
  weights[2] = near(1 - t);
  weights[3] = 1 - weights[0] - weights[1] - weights[2];
}

/** Half a turn. */
export function turnAround({ width, height, data }: Picture): Picture {
  const out = new Uint32Array(data.buffer, data.byteOffset, width * height).slice().reverse();
  return { width, height, data: new Uint8ClampedArray(out.buffer) };
}
