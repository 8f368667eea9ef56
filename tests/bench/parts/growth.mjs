// What a model costs as its input and the model itself grow, and what a shape costs that was not there before.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from '../../../.tools/paths.mjs';
import { makeFile } from '../../../models/recipes/networks.mjs';
import { bert } from '../../../models/recipes/transformers.mjs';
import { inPage, openIn } from '../browser.mjs';
import { plotSvg } from '../plot.mjs';
import { table } from '../report.mjs';
import { median } from '../statistics.mjs';
import { key, subjectOf } from '../subjects.mjs';

const runtimes = ['kinglet in page', 'onnxruntime-web'];
const shownName = { 'kinglet in page': 'kinglet' };
const layers = [1, 2, 4, 8, 16];
const encoder = (count) => `encoder-${count}.onnx`;
const sizes = { seed: 41, width: 256, heads: 4, vocabulary: 1000, tokens: 512 };

/** Inputs of an encoder of `tokens` tokens. */
const tokens = (count) => [
  { name: 'input_ids', type: 'int64', dims: [1, count], fill: 7 },
  { name: 'attention_mask', type: 'int64', dims: [1, count], fill: 1 },
];
const image = (batch, height, width) => [
  { name: 'x', type: 'float32', dims: [batch, 3, height, width], fill: 0.5 },
];

/** `points`: what grows, and the inputs there. */
const series = [
  {
    title: 'Sequence: encoder of 4 layers of 256',
    across: 'tokens',
    model: encoder(4),
    points: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512].map((count) => [count, tokens(count)]),
  },
  {
    title: 'Side of the picture: PP-OCR detector',
    across: 'pixels',
    model: () => `${key(subjectOf('ppocr-det'))}.onnx`,
    points: [64, 128, 192, 256, 384, 512, 736].map((side) => [side, image(1, side, side)]),
  },
  {
    title: 'Batch: PP-OCR classifier, 48x192',
    across: 'pictures',
    model: () => `${key(subjectOf('ppocr-cls'))}.onnx`,
    points: [1, 2, 4, 8, 16, 32].map((count) => [count, image(count, 48, 192)]),
  },
];
const nameOf = (model) => (typeof model === 'string' ? model : model());

/** Runs of one runtime in a page of its own, behind those of `warming`: the first at a shape, and later ones. */
const grow = (browser, base, runtime, model, warming, points, repeats) =>
  inPage(browser, base, async (page) => {
    const creation = await openIn(page, { name: 'x', runtime, model });
    const run = (points) =>
      page.evaluate(
        ([series, repeats]) => globalThis.bench.grow('x', series, repeats),
        [points.map(([, inputs]) => inputs), repeats],
      );
    await run(warming);
    const steps = await run(points);
    return { creation, steps: steps.map(([first, ...later]) => ({ first, later: median(later) })) };
  });

async function costs(browser, base) {
  const plots = [];
  for (const { title, across, model, points } of series) {
    const lines = [];
    for (const runtime of runtimes) {
      const { steps } = await grow(browser, base, runtime, nameOf(model), points, points, 5);
      lines.push({
        name: shownName[runtime] ?? runtime,
        points: steps.map(({ later }, i) => [points[i][0], later]),
      });
    }
    plots.push({ title, across, up: 'ms', lines });
  }
  const lines = runtimes.flatMap((runtime) =>
    ['creation', 'run'].map((what) => ({ name: `${shownName[runtime] ?? runtime}, ${what}`, points: [] })),
  );
  for (const count of layers) {
    for (const [i, runtime] of runtimes.entries()) {
      const points = [[32, tokens(32)]];
      const found = await grow(browser, base, runtime, encoder(count), points, points, 20);
      lines[2 * i].points.push([count, found.creation]);
      lines[2 * i + 1].points.push([count, found.steps[0].later]);
    }
  }
  plots.push({ title: 'Model: encoder of 256, 32 tokens', across: 'layers (3.2 MB each)', up: 'ms', lines });
  return plots;
}

/** A sequence that grows by one: what a step costs more than the same step again. */
async function growing(browser, base) {
  // Code is hot by runs at lengths that do not come back.
  const steps = Array.from({ length: 96 }, (_, i) => [i + 1, tokens(i + 1)]);
  const warming = Array.from({ length: 64 }, (_, i) => [i + 129, tokens(i + 129)]);
  const rows = [];
  for (const runtime of runtimes) {
    const found = (await grow(browser, base, runtime, encoder(4), warming, steps, 3)).steps.slice(1);
    const middle = (pick) => median(found.map(pick));
    const again = middle(({ later }) => later);
    const fresh = middle(({ first }) => first);
    const more = middle(({ first, later }) => first - later);
    rows.push([
      shownName[runtime] ?? runtime,
      ...[fresh, again, more].map((value) => value.toFixed(2)),
      `${Math.round((100 * more) / again)}%`,
    ]);
  }
  return table([['runtime', 'new length', 'same length', 'more', 'share'], ...rows]);
}

const rowsOf = ({ title, across, lines }) => [
  [`${title} (${across})`, ...lines[0].points.map(([x]) => x)],
  ...lines.map(({ name, points }) => [name, ...points.map(([, y]) => y.toFixed(y < 10 ? 2 : 1))]),
];

export const growth = {
  subjects: () => [subjectOf('ppocr-det'), subjectOf('ppocr-cls')],
  models: () =>
    Promise.all(
      layers.map(async (count) => ({
        file: encoder(count),
        path: await makeFile(join(build, 'models'), encoder(count), () => bert({ ...sizes, layers: count })),
      })),
    ),
  async run({ browser, base, svg }) {
    const plots = await costs(browser, base);
    await mkdir(join(build, 'reports'), { recursive: true });
    for (const path of svg) await writeFile(path, plotSvg(plots));
    return [
      '## Growth (ms)',
      "Both runtimes in the page's own thread, each in a page of its own; medians of five runs at a shape, once code is hot.",
      '![Cost against sequence, picture, batch and model](growth.svg)',
      ...plots.map((plot) => table(rowsOf(plot))),
      'A sequence that grows by one token at each step, 2 to 96 (encoder of 4 layers of 256; medians over the steps):',
      await growing(browser, base),
    ];
  },
};
