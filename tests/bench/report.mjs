// The results as Markdown.
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { root } from '../../.tools/paths.mjs';
import { geometricMean, ratio } from './statistics.mjs';

const table = (rows) =>
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
  return `${date}, commit ${git('rev-parse', '--short', 'HEAD')}${dirty}, ${cpus()[0].model} (${cpus().length} cores), ${where}, one thread.`;
}

/**
 * @param {{ name: string, shape: string, times: object, creation: object, error?: string }[]} results
 * @param {string[]} runtimes the first is compared with each of the others
 */
export function modelTable(results, runtimes) {
  const [ours, ...others] = runtimes;
  const good = results.filter(({ error }) => !error);
  const rows = results.map(({ name, shape, times, creation, error }) =>
    error
      ? [name, shape, error.split('\n')[0].slice(0, 100), ...runtimes.slice(1).map(() => '')]
      : [
          name,
          shape,
          ...runtimes.map((runtime) => milliseconds(times[runtime])),
          ...others.map((other) => `${ratio(times[ours], times[other]).toFixed(2)}x`),
          ...runtimes.map((runtime) => creation[runtime].toFixed(0)),
        ],
  );
  const head = [
    'model',
    'input',
    ...runtimes,
    ...others.map((other) => `faster than ${other}`),
    ...runtimes.map((runtime) => `creation, ${runtime}`),
  ];
  const means = others.map((other) => {
    if (good.length === 0) return 'none';
    const mean = geometricMean(good.map(({ times }) => ratio(times[ours], times[other])));
    return `${mean.toFixed(2)}x ${other}`;
  });
  return `${table([head, ...rows])}\n\nGeometric mean over ${good.length} models: ${means.join(', ')}.`;
}

export function startTable(starts) {
  const rows = Object.entries(starts).map(([runtime, { cold, warm }]) => [
    runtime,
    milliseconds(cold),
    milliseconds(warm),
  ]);
  return table([['runtime', 'cold', 'warm'], ...rows]);
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

/** @param {{ name: string, shape: string, memory?: Record<string, { wasm: number, script: number }> }[]} results */
export function memoryTable(results, runtimes) {
  const [ours, ...others] = runtimes;
  const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
  const rows = results
    .filter(({ memory }) => memory)
    .map(({ name, shape, bytes, memory }) => [
      `${name} ${shape}`,
      megabytes(bytes),
      ...runtimes.flatMap((runtime) => [memory[runtime].wasm, memory[runtime].script].map(megabytes)),
      ...others.map((other) => {
        const sum = ({ wasm, script }) => wasm + script;
        return `${(sum(memory[other]) / sum(memory[ours])).toFixed(2)}x`;
      }),
    ]);
  const head = runtimes.flatMap((runtime) => [`${runtime}: wasm`, 'JS']);
  return table([['model', 'file', ...head, ...others.map((other) => `less than ${other}`)], ...rows]);
}
