// The results as Markdown.
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { root } from '../../.tools/paths.mjs';
import { geometricMean, ratio } from './statistics.mjs';

export const table = (rows) =>
  [rows[0], rows[0].map((_, i) => (i === 0 ? '---' : '---:')), ...rows.slice(1)]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');

const milliseconds = ({ median, spread }) =>
  `${median.toFixed(median < 10 ? 2 : 1)} ±${Math.round(100 * spread)}%`;

/** Machine and commit, in one line. */
export function surroundings(browserVersion) {
  const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const dirty = git('status', '--porcelain', '--untracked-files=no') ? ' with changes' : '';
  const where = browserVersion ? `Chromium ${browserVersion}, headless` : `Node ${process.versions.node}`;
  const date = new Date().toISOString().slice(0, 10);
  return `${date}, commit ${git('rev-parse', '--short', 'HEAD')}${dirty}, ${cpus()[0].model} (${cpus().length} cores), ${where}, one thread where nothing else is said.`;
}

/**
 * @param {{ name: string, shape: string, times: object, creation: object, error?: string }[]} results
 * @param {string[]} names contestants, a column each
 * @param {{ title: string, ours: string, theirs: string, work?: number }[]} ratios how many times faster `ours` is, having done
 *   `work` times as much
 * @param {{ creation?: string[] }} more contestants whose creation has a column
 */
export function modelTable(results, names, ratios, { creation = [] } = {}) {
  const good = results.filter(({ error }) => !error);
  const factor = (times, { ours, theirs, work = 1 }) => work * ratio(times[ours], times[theirs]);
  const width = names.length + ratios.length + creation.length;
  const rows = results.map(({ name, shape, times, creation: created, error }) =>
    error
      ? [name, shape, `FAILED: ${error.slice(0, 100)}`, ...Array(width - 1).fill('')]
      : [
          name,
          shape,
          ...names.map((runtime) => milliseconds(times[runtime])),
          ...ratios.map((pair) => `${factor(times, pair).toFixed(2)}x`),
          ...creation.map((runtime) => created[runtime].toFixed(0)),
        ],
  );
  const head = ['model', 'input', ...names, ...ratios.map(({ title }) => title)];
  head.push(...creation.map((runtime) => `creation, ${runtime}`));
  const means = ratios.map((pair) => {
    const factors = good.map(({ times }) => factor(times, pair));
    return `${pair.title} ${factors.length ? `${geometricMean(factors).toFixed(2)}x` : 'none'}`;
  });
  return `${table([head, ...rows])}\n\nGeometric means over ${good.length} of ${results.length}: ${means.join(', ')}.`;
}

export function startTable(starts) {
  const above = (kind, time) => (time[kind].median - starts.alone[kind].median).toFixed(1);
  const rows = Object.entries(starts).map(([runtime, time]) => [
    runtime,
    ...['cold', 'warm'].flatMap((kind) => [milliseconds(time[kind]), above(kind, time)]),
  ]);
  return table([['runtime', 'cold', 'above', 'warm', 'above'], ...rows]);
}

export function sizeTable(sizes) {
  const number = (value) => value.toLocaleString('en-US');
  return table([
    ['file', 'bytes', 'Brotli'],
    ...sizes.map(({ name, raw, brotli }) => [name, number(raw), number(brotli)]),
  ]);
}

/** @param {{ name: string, shape: string, profile?: ReturnType<typeof import('./profile.mjs').byKernel> }[]} results */
export function profileTable(results) {
  const percent = (share) => `${(100 * share).toFixed(1)}%`;
  const rows = results
    .filter(({ profile }) => profile)
    .flatMap(({ name, shape, profile }) =>
      profile.kernels
        .filter(({ share }, i) => i < 3 || share >= 0.01)
        .map(({ kernel, steps, milliseconds, share }, i) => [
          i === 0 ? `${name} ${shape}` : '',
          kernel,
          steps,
          milliseconds.toFixed(2),
          percent(share),
        ]),
    );
  return table([['model', 'kernel', 'steps', 'ms', 'share'], ...rows]);
}
