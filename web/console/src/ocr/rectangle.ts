import type { Point, Quad } from './image.js';

/** A rectangle of any rotation: `axis` is the unit vector along `width`; `height` runs along its left normal (-y, x). */
export interface RotatedRectangle {
  readonly centre: Point;
  readonly axis: Point;
  readonly width: number;
  readonly height: number;
}

/** Convex hull, counter-clockwise with y upwards, without collinear points (Andrew's monotone chain). */
export function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (sorted.length < 3) return sorted;
  const half = (source: readonly Point[]) => {
    const chain: Point[] = [];
    for (const point of source) {
      while (chain.length >= 2 && cross(chain[chain.length - 2], chain[chain.length - 1], point) <= 0)
        chain.pop();
      chain.push(point);
    }
    chain.pop();
    return chain;
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

const cross = (o: Point, a: Point, b: Point) => (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);

/** The rectangle of least area around the points; one of its sides lies on a side of their hull. Null without points. */
export function minimumAreaRectangle(points: readonly Point[]): RotatedRectangle | null {
  const hull = convexHull(points);
  if (hull.length === 0) return null;
  let best: RotatedRectangle | null = null;
  for (let i = 0; i < hull.length; i++) {
    const a = hull[i];
    const b = hull[(i + 1) % hull.length];
    const length = Math.hypot(b[0] - a[0], b[1] - a[1]);
    const axis: Point = length > 0 ? [(b[0] - a[0]) / length, (b[1] - a[1]) / length] : [1, 0];
    const candidate = boundsAlong(hull, axis);
    if (!best || candidate.width * candidate.height < best.width * best.height) best = candidate;
  }
  return best;
}

function boundsAlong(points: readonly Point[], axis: Point): RotatedRectangle {
  let [lowU, highU, lowV, highV] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const [x, y] of points) {
    const u = x * axis[0] + y * axis[1];
    const v = -x * axis[1] + y * axis[0];
    lowU = Math.min(lowU, u);
    highU = Math.max(highU, u);
    lowV = Math.min(lowV, v);
    highV = Math.max(highV, v);
  }
  const u = (lowU + highU) / 2;
  const v = (lowV + highV) / 2;
  const centre: Point = [u * axis[0] - v * axis[1], u * axis[1] + v * axis[0]];
  return { centre, axis, width: highU - lowU, height: highV - lowV };
}

/**
 * The rectangle grown by area * ratio / perimeter on every side: the minimum-area rectangle of its round-cornered offset, which is how
 * DB undoes the shrinking of its training targets.
 */
export function unclip(rectangle: RotatedRectangle, ratio: number): RotatedRectangle {
  const { width, height } = rectangle;
  const perimeter = 2 * (width + height);
  const distance = perimeter > 0 ? (width * height * ratio) / perimeter : 0;
  return { ...rectangle, width: width + 2 * distance, height: height + 2 * distance };
}

/** The corners in reading order: of the two left ones the upper first, then clockwise on the screen. */
export function corners({ centre, axis, width, height }: RotatedRectangle): Quad {
  const at = (u: number, v: number): Point => [
    centre[0] + (axis[0] * u * width) / 2 - (axis[1] * v * height) / 2,
    centre[1] + (axis[1] * u * width) / 2 + (axis[0] * v * height) / 2,
  ];
  const byX = [at(-1, -1), at(1, -1), at(1, 1), at(-1, 1)].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const [topLeft, bottomLeft] = byX[0][1] <= byX[1][1] ? [byX[0], byX[1]] : [byX[1], byX[0]];
  const [topRight, bottomRight] = byX[2][1] <= byX[3][1] ? [byX[2], byX[3]] : [byX[3], byX[2]];
  return [topLeft, topRight, bottomRight, bottomLeft];
}

/** Mean of `map` over the pixels whose centres lie in the quad, edges included; 0 when there are none. */
export function meanInside(map: Float32Array, width: number, height: number, quad: Quad): number {
  const xs = quad.map((p) => p[0]);
  const ys = quad.map((p) => p[1]);
  const clamp = (v: number, most: number) => Math.min(Math.max(v, 0), most);
  const [x0, x1] = [
    clamp(Math.floor(Math.min(...xs)), width - 1),
    clamp(Math.ceil(Math.max(...xs)), width - 1),
  ];
  const [y0, y1] = [
    clamp(Math.floor(Math.min(...ys)), height - 1),
    clamp(Math.ceil(Math.max(...ys)), height - 1),
  ];
  let sum = 0;
  let count = 0;
  for (let y = y0; y <= y1; y++) {
    for (let x = x0; x <= x1; x++) {
      if (!contains(quad, x, y)) continue;
      sum += map[y * width + x];
      count++;
    }
  }
  return count === 0 ? 0 : sum / count;
}

function contains(quad: Quad, x: number, y: number): boolean {
  const tolerance = 1e-6;
  for (let i = 0; i < 4; i++) {
    const a = quad[i];
    const b = quad[(i + 1) % 4];
    if ((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0]) < -tolerance) return false;
  }
  return true;
}
