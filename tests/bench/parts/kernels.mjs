// The kernels' speed at sizes of real networks beside the machine's limits, measured by kernels_bench_* in a page.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { cmakeBuild } from '../../../.tools/cmake.mjs';
import { stop } from '../../../.tools/log.mjs';
import { inPage } from '../browser.mjs';
import { table } from '../report.mjs';
import { site } from '../site.mjs';

const builds = { relaxed: 'Relaxed build', simd: 'Plain build' };
const programOf = (variant) => `kernels_bench_${variant}`;
const families = {
  matmul: 'products and pointwise convolutions',
  conv: 'convolutions',
  quant: '8 and 4 bits',
};
const line = /^(.{24}) (.+?) +([\d.]+) Gop\/s +\d+% of ([\d.]+) +([\d.]+) GB\/s$/;

/** Lines that the program prints in a page of its own. */
const lines = (browser, base, program, args) =>
  inPage(browser, base, async (page) => {
    const script = `/${program}.js`;
    await page.evaluate(
      ([script, args]) => {
        globalThis.printed = [];
        const ended = new Promise((resolve, reject) => {
          globalThis.Module = {
            arguments: args,
            print: (text) => globalThis.printed.push(text),
            locateFile: (file) => `/${file}`,
            onExit: resolve,
            postRun: [() => resolve()],
          };
          const element = document.createElement('script');
          element.src = script;
          element.onerror = () => reject(new Error(`${script} did not load`));
          document.body.append(element);
        });
        return ended;
      },
      [script, args],
    );
    return page.evaluate(() => globalThis.printed);
  });

/** One build's paragraphs. */
async function paragraphs(browser, base, variant) {
  const rows = [];
  let bandwidth = 0;
  for (const [family, title] of Object.entries(families)) {
    const program = programOf(variant);
    const text = await lines(browser, base, program, [family, '', 'selected']);
    bandwidth = Math.max(bandwidth, Number(/memory read ([\d.]+)/.exec(text[0])?.[1]));
    const found = text.map((one) => line.exec(one)).filter(Boolean);
    const unread = text.filter((one) => one.includes('Gop/s') && !line.test(one));
    if (found.length === 0 || unread.length > 0)
      stop(
        `${program} ${family} printed what cannot be read: ${(unread.length > 0 ? unread : text).join('\n')}`,
      );
    // All kernels of a product are timed; a star marks the one that is taken. Of bytes each row counts.
    for (const [, name, shape, speed, limit, gbytes] of found) {
      if (family === 'quant' || name.trim().endsWith('*'))
        rows.push({
          title,
          kernel: name.replace('*', '').trim(),
          shape,
          speed: +speed,
          limit: +limit,
          gbytes: +gbytes,
        });
    }
  }
  const percent = (share) => `${Math.round(100 * share)}%`;
  const shown = rows.map(({ title, kernel, shape, speed, limit, gbytes }, i) => [
    title === rows[i - 1]?.title ? '' : title,
    shape,
    kernel,
    speed.toFixed(1),
    percent(speed / limit),
    percent(gbytes / bandwidth),
    percent(Math.max(speed / limit, gbytes / bandwidth)),
  ]);
  const most = (wanted) =>
    Math.max(...rows.filter(({ kernel }) => wanted.test(kernel)).map(({ limit }) => limit));
  const limits = [most(/^f32/), most(/^i8/)].map((value) => value.toFixed(1));
  return [
    `${builds[variant]}. Limits of the same moments: a loop of float multiply-adds on registers ${limits[0]}, of byte products ${limits[1]}, reading 96 MB ${bandwidth.toFixed(1)} GB/s (caches are faster).`,
    table([['', 'shape', 'kernel', 'Gop/s', 'of operations', 'of memory', 'of its limit'], ...shown]),
  ];
}

export const kernels = {
  /** The programs and their modules lie on the site. */
  async prepare() {
    const programs = Object.keys(builds).map(programOf);
    const folder = await cmakeBuild('emscripten', programs);
    for (const program of programs) {
      await cp(join(folder, `${program}.cjs`), join(site, `${program}.js`));
      await cp(join(folder, `${program}.wasm`), join(site, `${program}.wasm`));
    }
  },
  async run({ browser, base }) {
    const tables = [];
    for (const variant of Object.keys(builds)) tables.push(...(await paragraphs(browser, base, variant)));
    return [
      '## Kernels beside the limit of the machine',
      "One thread, in a page; 1e9 operations per second, those of the definition, so that Winograd's may pass the limit. Bytes: operands and result once. A kernel's limit is the nearer of the two.",
      ...tables,
    ];
  },
};
