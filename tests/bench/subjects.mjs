// The one list of what is timed: real networks, generated ones, quantised ones, classical models.
import { join } from 'node:path';
import { run } from '../../.tools/log.mjs';
import { build, root } from '../../.tools/paths.mjs';
import { unlessFresh } from '../../.tools/stamp.mjs';
import { networks } from '../../models/recipes/networks.mjs';
import { makeTwin, twins } from '../../models/recipes/twins.mjs';
import { makeVariant } from '../../models/recipes/variants.mjs';
import { readCase } from '../classical/recipes.mjs';
import { tokenFeeds, variantSubjects } from '../models/networks.mjs';
import { timed as real } from '../models/subjects.mjs';

/**
 * @typedef {import('../models/subjects.mjs').Subject & { tolerance?: number, series?: () => Promise<Record<string, any>[]> }}
 *   Subject `tolerance`: largest difference of runtimes, relative to the largest magnitude of an output; `series`: inputs of one
 *   run after the other, `feeds` first
 */

/** A name fit for a file: model and input. */
export const key = ({ name, shape }) => `${name}-${shape}`.replaceAll(/[^\w.]+/g, '_');

/** Runtimes sum in different orders; what is rounded to integers may then fall to either side, layer after layer. */
export const tolerances = { float: 1e-3, integer: 5e-2 };

const classicalFolder = 'build/bench/classical';
const train = () =>
  unlessFresh('bench-classical', ['models/recipes/classical'], [classicalFolder], () =>
    run('/usr/bin/python3', ['-B', 'models/recipes/classical/large.py', classicalFolder], { cwd: root }),
  );

/** A model of large.py on rows of its own; one row is another one at each run, as in use: a processor learns what always comes back. */
const classical = (name) =>
  [1, 1000].map((rows) => {
    async function series() {
      await train();
      const { type, dims, data } = (await readCase(join(root, classicalFolder, name))).inputs.x;
      const size = rows * dims[1];
      return Array.from({ length: Math.min(256, Math.floor(dims[0] / rows)) }, (_, i) => ({
        x: { type, dims: [rows, dims[1]], data: data.slice(i * size, (i + 1) * size) },
      }));
    }
    return {
      name,
      shape: `${rows} row${rows > 1 ? 's' : ''}`,
      async path() {
        await train();
        return join(root, classicalFolder, name, 'model.onnx');
      },
      series,
      feeds: async () => (await series())[0],
    };
  });

const oneToken = {
  name: 'bert-base-4bit',
  shape: '1x1',
  path: () => makeVariant(join(build, 'models'), 'bert-base-4bit', 'whole'),
  feeds: async () => tokenFeeds({ ...networks['bert-base'].whole, tokens: 1 }),
};

const isInteger = ({ name }) => /-(qdq|qlinear|4bit)$/.test(name);

/** @type {Subject[]} */
export const all = [
  ...real.map((subject) => ({ ...subject, shape: subject.shape.replace(/^200 x /, '') })),
  ...variantSubjects('whole'),
  oneToken,
  ...['forest-100', 'boosted-1000', 'svc-rbf', 'k-neighbours'].flatMap(classical),
].map((subject) => ({ tolerance: isInteger(subject) ? tolerances.integer : tolerances.float, ...subject }));

const label = ({ name, shape }) => `${name} ${shape}`;

/** The models that count: each once, at the input size its users have. Decoders have a part of their own. */
const standard = (subject) =>
  !subject.decoder &&
  !subject.name.startsWith('random_') &&
  !['ppocr-det 320x640', 'ppocr-rec 48x744', 'ppocr-cls 48x320'].includes(label(subject));

/** @param {string[]} wanted parts of names; the standard ones when empty */
export const chooseSubjects = (wanted) =>
  wanted.length
    ? all.filter((subject) => wanted.some((part) => label(subject).includes(part)))
    : all.filter(standard);

/** The subject of exactly this name; the first where there are several inputs. */
export const subjectOf = (name) => all.find((subject) => subject.name === name);

/** Networks of which there is a .tflite with the same weights. */
export const twinSubjects = twins.map((name) => ({
  ...subjectOf(name),
  twin: () => makeTwin(join(build, 'models'), name, 'whole'),
}));
