import type { Quad } from './image.js';

interface Placed {
  readonly quad: Quad;
  readonly text: string;
}

/**
 * Lines in the order of reading, whichever way the page stands: rows across the common direction of the text, then along it. A line
 * belongs to a row when its middle lies within half a line's height of the middle of the row's first line.
 */
export function sortByReadingOrder<T extends Placed>(lines: readonly T[]): T[] {
  let [dx, dy] = [0, 0];
  for (const { quad, text } of lines) {
    const [x, y] = [quad[1][0] - quad[0][0], quad[1][1] - quad[0][1]];
    const weight = text.length / (Math.hypot(x, y) || 1);
    dx += x * weight;
    dy += y * weight;
  }
  const length = Math.hypot(dx, dy);
  const [ux, uy] = length > 0 ? [dx / length, dy / length] : [1, 0];
  const placed = lines.map((line) => {
    const x = line.quad.reduce((sum, p) => sum + p[0], 0) / 4;
    const y = line.quad.reduce((sum, p) => sum + p[1], 0) / 4;
    const [a, , , d] = line.quad;
    return {
      line,
      along: x * ux + y * uy,
      across: -x * uy + y * ux,
      height: Math.hypot(d[0] - a[0], d[1] - a[1]),
    };
  });
  const rows: (typeof placed)[] = [];
  for (const item of placed.sort((a, b) => a.across - b.across)) {
    const row = rows[rows.length - 1];
    const first = row?.[0];
    if (first && item.across - first.across < Math.min(item.height, first.height) / 2) row.push(item);
    else rows.push([item]);
  }
  return rows.flatMap((row) => row.sort((a, b) => a.along - b.along)).map(({ line }) => line);
}
