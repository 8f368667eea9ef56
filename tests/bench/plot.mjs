// Line plots on logarithmic axes as SVG, side by side in one file.

const [WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM] = [420, 300, 56, 34, 16, 44];
const colours = ['#0b6e4f', '#c8553d', '#345995', '#8a6d00'];

const escaped = (text) => String(text).replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const text = (x, y, value, more = '') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${escaped(value)}</text>`;

/** Ticks of a logarithmic axis: 1, 2 and 5 times powers of ten, fewer over many of them. */
function ticks(low, high) {
  const steps = high / low > 300 ? [1] : high / low > 30 ? [1, 3] : [1, 2, 5];
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
    for (const step of steps) {
      const value = step * 10 ** power;
      if (value >= low && value <= high) found.push(value);
    }
  return found;
}

/**
 * @typedef {{ title: string, across: string, up: string, lines: { name: string, points: [number, number][] }[] }} Plot
 *   numbers above zero
 * @param {Plot} plot
 */
function panel({ title, across, up, lines }) {
  const points = lines.flatMap(({ points }) => points);
  const bounds = (axis) => {
    const values = points.map((point) => point[axis]);
    return [Math.min(...values) / 1.15, Math.max(...values) * 1.15];
  };
  const [[x0, x1], [y0, y1]] = [bounds(0), bounds(1)];
  const share = (value, low, high) => Math.log(value / low) / Math.log(high / low);
  const atX = (value) => LEFT + share(value, x0, x1) * (WIDTH - LEFT - RIGHT);
  const atY = (value) => HEIGHT - BOTTOM - share(value, y0, y1) * (HEIGHT - TOP - BOTTOM);
  const parts = [text(LEFT, 18, title, 'font-weight="bold"')];
  const grid = (a, b, c, d) =>
    `<line x1="${a.toFixed(1)}" y1="${b.toFixed(1)}" x2="${c.toFixed(1)}" y2="${d.toFixed(1)}" stroke="#ddd"/>`;
  for (const value of ticks(x0, x1)) {
    parts.push(grid(atX(value), TOP, atX(value), HEIGHT - BOTTOM));
    parts.push(text(atX(value), HEIGHT - BOTTOM + 15, value, 'text-anchor="middle"'));
  }
  for (const value of ticks(y0, y1)) {
    parts.push(grid(LEFT, atY(value), WIDTH - RIGHT, atY(value)));
    parts.push(text(LEFT - 6, atY(value) + 4, +value.toPrecision(2), 'text-anchor="end"'));
  }
  parts.push(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, across, 'text-anchor="middle"'));
  parts.push(text(8, TOP - 6, up));
  for (const [i, { name, points }] of lines.entries()) {
    const colour = colours[i % colours.length];
    const path = points.map(([x, y]) => `${atX(x).toFixed(1)},${atY(y).toFixed(1)}`).join(' ');
    parts.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const [x, y] of points)
      parts.push(`<circle cx="${atX(x).toFixed(1)}" cy="${atY(y).toFixed(1)}" r="2.5" fill="${colour}"/>`);
    parts.push(text(LEFT + 8, TOP + 14 + 15 * i, name, `fill="${colour}"`));
  }
  return parts.join('\n');
}

/** @param {Plot[]} plots @returns {string} an SVG document, two plots a row */
export function plotSvg(plots) {
  const rows = Math.ceil(plots.length / 2);
  const [width, height] = [2 * WIDTH, rows * HEIGHT];
  const panels = plots.map(
    (plot, i) =>
      `<g transform="translate(${(i % 2) * WIDTH} ${Math.floor(i / 2) * HEIGHT})">\n${panel(plot)}\n</g>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#222">
<title>${escaped(plots.map(({ title }) => title).join('; '))}</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${panels.join('\n')}
</svg>
`;
}
