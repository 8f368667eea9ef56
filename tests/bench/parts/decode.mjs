// Language models that give a token at a time and are fed their cache.
import { relativeDifference } from '../../support/compare.mjs';
import { inPage, openIn } from '../browser.mjs';
import { table } from '../report.mjs';
import { filesOf } from '../site.mjs';
import { median, ratio } from '../statistics.mjs';
import { subjectOf } from '../subjects.mjs';

const peer = 'onnxruntime-web';
const withState = 'kinglet with state';
const runtimes = ['kinglet', withState, 'kinglet in page', peer];
const names = ['llama', 'llama-fused', 'llama-fused-4bit'];
const lengths = { prompt: 128, count: 64 };
/** Turns of each runtime; none begins after so many milliseconds. */
const [rounds, most] = [3, 15_000];

/** As inTurn of statistics.mjs gives them. */
const summary = (times) => ({ median: median(times), rounds: times });

/**
 * All runtimes in turn in one page: milliseconds of the prompt, of a token, and what a length that is new costs more than the
 * same one again.
 */
const timeDecoder = (browser, base, { decoder, tolerance, ...subject }) =>
  inPage(browser, base, async (page) => {
    for (const runtime of runtimes) await openIn(page, { name: runtime, model: filesOf(subject).model });
    const decode = (runtime, options) =>
      page.evaluate(
        ([name, sizes, options]) => globalThis.bench.decode(name, sizes, options),
        [runtime, decoder, { ...lengths, ...options }],
      );
    // Makes code hot.
    for (const runtime of runtimes) await decode(runtime, { count: 8 });
    const found = Object.fromEntries(runtimes.map((runtime) => [runtime, { prompt: [], token: [] }]));
    let expected;
    const since = performance.now();
    for (let round = 0; round < rounds && performance.now() - since < most; round++) {
      for (const runtime of runtimes) {
        const { times, scores } = await decode(runtime);
        const [[prompt], ...tokens] = times;
        found[runtime].prompt.push(prompt);
        found[runtime].token.push(median(tokens.flat()));
        expected ??= scores;
        const difference = relativeDifference(scores, expected);
        if (!(difference <= tolerance))
          throw new Error(`${runtime} differs by ${difference.toExponential(1)}, allowed ${tolerance}`);
      }
    }
    const results = [];
    for (const runtime of runtimes) {
      const { prompt, token } = found[runtime];
      const row = { runtime, prompt: summary(prompt), token: summary(token) };
      results.push(row);
      // The same length cannot be run twice: its token is in the cache then.
      if (runtime === withState) continue;
      const twice = (await decode(runtime, { count: 12, repeats: 1 })).times.slice(1);
      const more = median(twice.map(([first, again]) => first - again));
      row.share = more / median(twice.map(([, again]) => again));
    }
    return results;
  });

function rowsOf(name, results) {
  const theirs = results.find(({ runtime }) => runtime === peer);
  return results.map(({ runtime, prompt, token, share }) => {
    const faster = (what, own) => (runtime === peer ? '' : `${ratio(own, theirs[what]).toFixed(2)}x`);
    return [
      name,
      runtime,
      prompt.median.toFixed(1),
      token.median.toFixed(2),
      (1000 / token.median).toFixed(0),
      faster('prompt', prompt),
      faster('token', token),
      share === undefined ? '' : `${Math.round(100 * share)}%`,
    ];
  });
}

export const decode = {
  subjects: () => names.map(subjectOf),
  async run({ browser, base }) {
    const rows = [];
    for (const name of names) {
      const results = await timeDecoder(browser, base, subjectOf(name)).catch((error) => error);
      if (results instanceof Error)
        rows.push([name, `FAILED: ${results.message.split('\n')[0].slice(0, 100)}`, ...Array(6).fill('')]);
      else rows.push(...rowsOf(name, results));
    }
    const head = ['model', 'runtime', `prompt of ${lengths.prompt}, ms`, 'token, ms', 'tokens/s'];
    head.push('prompt, faster', 'token, faster', 'new length');
    return [
      '## A decoder with its cache',
      `8 layers of 512, 8 heads on 4 of keys and values, 30 million weights: spelled out as PyTorch exports it, in the fused operators of onnxruntime-genai's builder, and those with weights of 4 bits. A prompt, then ${lengths.count} tokens one at a time, each given the cache as the run before gave it; a token is the median of a turn. Runtimes take turns in one page, at most ${rounds} each; "kinglet" lives in its worker, with state its cache stays in the engine. Faster: than ${peer}. New length: what the first run at a length costs more than the same again.`,
      table([head, ...rows]),
    ];
  },
};
