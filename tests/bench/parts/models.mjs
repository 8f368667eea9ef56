// Every model on every runtime; the same integers and floats; the twins.
import { profileModel, timeModel } from '../browser.mjs';
import { openCores } from '../cores.mjs';
import { contestantHere } from '../node.mjs';
import { modelTable, profileTable } from '../report.mjs';
import { filesOf, twinOf } from '../site.mjs';
import { chooseSubjects, subjectOf, tolerances, twinSubjects } from '../subjects.mjs';

/** A model that fails has its failure in the table; the others go on. */
async function each(subjects, time) {
  const results = [];
  for (const subject of subjects) {
    const { name, shape } = subject;
    const result = await time(subject).catch((error) => ({ error: error.message.split('\n')[0] }));
    results.push({ name, shape, ...result });
    const shown = Object.entries(result.times ?? {}).map(
      ([runtime, { median }]) => `${runtime} ${median.toFixed(2)}`,
    );
    console.log(`  ${name} ${shape}: ${result.error ?? `${shown.join(', ')} ms`}`);
  }
  return results;
}

const runtimes = [
  'kinglet',
  'onnxruntime-web',
  'kinglet 2 threads',
  'onnxruntime-web 2 threads',
  'onnxruntime-node',
];
const ratios = [
  { title: 'faster than onnxruntime-web', ours: 'kinglet', theirs: 'onnxruntime-web' },
  { title: 'faster at 2 threads', ours: 'kinglet 2 threads', theirs: 'onnxruntime-web 2 threads' },
  { title: '2 threads over 1', ours: 'kinglet 2 threads', theirs: 'kinglet' },
  { title: '2 loops over 1', ours: 'two loops', theirs: 'one loop', work: 2 },
  { title: 'onnxruntime-node over kinglet', ours: 'onnxruntime-node', theirs: 'kinglet' },
];

export const models = {
  subjects: ({ wanted }) => chooseSubjects(wanted),
  async run({ browser, base, timing, options, wanted }) {
    const names = options.runtimes ? options.runtimes.split(',') : runtimes;
    const results = await each(chooseSubjects(wanted), async (subject) => {
      const native = names.includes('onnxruntime-node')
        ? await contestantHere('onnxruntime-node', 'ort-node', subject)
        : undefined;
      const cores = options.runtimes ? undefined : openCores();
      const contestants = names.map((name) =>
        name === native?.name ? native : { name, runtime: name, ...filesOf(subject) },
      );
      contestants.push(...(cores?.contestants ?? []));
      try {
        const limits = { ...timing, tolerance: subject.tolerance };
        const result = await timeModel(browser, base, contestants, limits);
        if (options.profile) result.profile = await profileModel(browser, base, filesOf(subject));
        return result;
      } finally {
        await native?.release();
        await cores?.close();
      }
    });
    const [ours, ...others] = names;
    const compared = options.runtimes
      ? others.map((theirs) => ({ title: `faster than ${theirs}`, ours, theirs }))
      : ratios;
    return [
      '## Models (ms)',
      `Runtimes take turns in one page, onnxruntime-node in between in Node; medians ± half the quartile distance. Results agree with Kinglet's within ${tolerances.float} of the largest value, of quantised models within ${tolerances.integer}, or the row says that they do not and does not count. 2 loops over 1: what the machine's second core gave to two threads that share nothing, in the same turns.`,
      modelTable(results, names, compared, { creation: names.filter((name) => !/threads|node/.test(name)) }),
      ...(options.profile
        ? ['## Time by kernel', 'Kernels with at least 1% of a model.', profileTable(results)]
        : []),
    ];
  },
};

/** Models whose run takes hardly longer than the way to a worker and back. */
const isSmall = ({ name, shape }) => /^silero|^ppocr-cls/.test(name) || shape === '1 row';

export const small = {
  subjects: () => chooseSubjects([]).filter(isSmall),
  async run({ browser, base, timing }) {
    const names = ['kinglet in page', 'onnxruntime-web'];
    const results = await each(chooseSubjects([]).filter(isSmall), (subject) => {
      const contestants = names.map((name) => ({ name, ...filesOf(subject) }));
      return timeModel(browser, base, contestants, { ...timing, tolerance: subject.tolerance });
    });
    return [
      '## Small models in the page (ms)',
      "Kinglet's sessions live in a worker where nothing else is said, onnxruntime-web's in the page. Here both are in the page.",
      modelTable(results, names, [{ title: 'faster', ours: names[0], theirs: names[1] }]),
    ];
  },
};

const builds = { relaxed: 'kinglet', simd: 'kinglet simd' };
const quantised = ['resnet50', 'mobilenet-v2', 'bert-base'];
const forms = { float32: '', QDQ: '-qdq', QLinear: '-qlinear' };

export const integers = {
  subjects: () => quantised.flatMap((name) => Object.values(forms).map((end) => subjectOf(name + end))),
  async run({ browser, base, timing }) {
    const rows = quantised.flatMap((name) =>
      Object.entries(builds).map(([build, runtime]) => ({ name, shape: build, runtime })),
    );
    const results = await each(rows, ({ name, runtime }) => {
      const contestants = Object.entries(forms).map(([form, end]) => ({
        name: form,
        runtime,
        ...filesOf(subjectOf(name + end)),
      }));
      return timeModel(browser, base, contestants, { ...timing, tolerance: 0.25 });
    });
    return [
      '## 8-bit integers beside float32 (Kinglet, ms)',
      'The same networks, each build in a page of its own. Fully connected and convolutional layers are integers; of the encoder only products by weights.',
      modelTable(results, Object.keys(forms), [
        { title: 'QDQ faster', ours: 'QDQ', theirs: 'float32' },
        { title: 'QLinear faster', ours: 'QLinear', theirs: 'float32' },
      ]),
    ];
  },
};

export const twins = {
  subjects: () => twinSubjects,
  async run({ browser, base, timing }) {
    const results = await each(twinSubjects, (subject) => {
      const contestants = [
        { name: 'kinglet', ...filesOf(subject) },
        { name: 'LiteRT.js', ...twinOf(subject) },
        { name: 'onnxruntime-web', ...filesOf(subject) },
      ];
      return timeModel(browser, base, contestants, { ...timing, tolerance: tolerances.float });
    });
    return [
      '## LiteRT.js on .tflite twins (ms)',
      'The same weights, channels last (models/recipes/twins.mjs); LiteRT.js takes its build with relaxed SIMD, one thread.',
      modelTable(
        results,
        ['kinglet', 'LiteRT.js', 'onnxruntime-web'],
        [
          { title: 'faster than LiteRT.js', ours: 'kinglet', theirs: 'LiteRT.js' },
          { title: 'faster than onnxruntime-web', ours: 'kinglet', theirs: 'onnxruntime-web' },
        ],
        { creation: ['kinglet', 'LiteRT.js', 'onnxruntime-web'] },
      ),
    ];
  },
};
