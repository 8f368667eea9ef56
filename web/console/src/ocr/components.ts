import type { Point } from './image.js';

/** The outline points of one connected region: for each row its leftmost and rightmost pixel, which is all a convex hull needs. */
export interface Region {
  readonly points: Point[];
  readonly pixels: number;
}

/**
 * Regions of 8-connected pixels of `map` above `threshold`, in the order of their first pixel.
 * @param map `width` x `height`, row by row
 */
export function findRegions(map: Float32Array, width: number, height: number, threshold: number): Region[] {
  const seen = new Uint8Array(width * height);
  const stack: number[] = [];
  const regions: Region[] = [];
  for (let start = 0; start < map.length; start++) {
    if (seen[start] || !(map[start] > threshold)) continue;
    const left = new Map<number, number>();
    const right = new Map<number, number>();
    let pixels = 0;
    seen[start] = 1;
    stack.push(start);
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const y = Math.floor(at / width);
      const x = at - y * width;
      pixels++;
      left.set(y, Math.min(left.get(y) ?? x, x));
      right.set(y, Math.max(right.get(y) ?? x, x));
      for (let ny = Math.max(y - 1, 0); ny <= Math.min(y + 1, height - 1); ny++) {
        for (let nx = Math.max(x - 1, 0); nx <= Math.min(x + 1, width - 1); nx++) {
          const next = ny * width + nx;
          if (seen[next] || !(map[next] > threshold)) continue;
          seen[next] = 1;
          stack.push(next);
        }
      }
    }
    const points: Point[] = [];
    for (const [y, x] of left) points.push([x, y]);
    for (const [y, x] of right) if (left.get(y) !== x) points.push([x, y]);
    regions.push({ points, pixels });
  }
  return regions;
}
