// The networks of models/recipes as subjects: networks.mjs as they are, variants.mjs quantised.
import { join } from 'node:path';
import { build } from '../../.tools/paths.mjs';
import { makeNetwork, networks } from '../../models/recipes/networks.mjs';
import { makeVariant, variants } from '../../models/recipes/variants.mjs';
import { decoding, oneToken } from '../support/decoding.mjs';
import { randomNumbers } from '../support/random.mjs';
import { picture } from '../support/samples.mjs';

const FRAMES = 100;

/** Token ids; the last eighth of them is padding, which the mask hides. */
export function tokenFeeds({ tokens, vocabulary }) {
  const random = randomNumbers(1);
  const ids = Array.from({ length: tokens }, () => BigInt(Math.floor(random() * vocabulary)));
  const kept = ids.map((_, i) => (i < tokens - tokens / 8 ? 1n : 0n));
  const tensor = (values) => ({ type: 'int64', data: BigInt64Array.from(values), dims: [1, tokens] });
  return { input_ids: tensor(ids), attention_mask: tensor(kept) };
}

function frameFeeds({ features }) {
  const random = randomNumbers(2);
  const data = Float32Array.from({ length: FRAMES * features }, () => 2 * random() - 1);
  return { frames: { type: 'float32', data, dims: [1, FRAMES, features] } };
}

const pixels = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/** Length of a prompt, and tokens behind it. */
const lengths = { whole: { prompt: 128, count: 1 }, small: { prompt: 12, count: 20 } };

/** The rows of a batch with `padding` begin at different positions. */
function decoderInput(sizes, options) {
  const { prompt, count, padding } = options;
  return {
    shape: `${padding ? `${padding.length}x` : ''}${prompt}+${count}`,
    feeds: async () => oneToken(sizes, prompt),
    decoder: sizes,
    async play(session) {
      const runs = [];
      const steps = decoding(sizes, options);
      for (let step = steps.next(); !step.done; step = steps.next(runs.at(-1)))
        runs.push(await session.run(step.value));
      return runs;
    },
  };
}

function input(sizes, size) {
  if (sizes.kv) return decoderInput(sizes, lengths[size]);
  if (sizes.vocabulary) return { shape: `1x${sizes.tokens}`, feeds: async () => tokenFeeds(sizes) };
  if (sizes.features) return { shape: `1x${FRAMES}x${sizes.features}`, feeds: async () => frameFeeds(sizes) };
  const { side } = sizes;
  const feeds = async () => ({ image: await picture({ height: side, width: side, ...pixels }) });
  return { shape: `${side}x${side}`, feeds };
}

const folder = join(build, 'models');

/** @returns {import('./subjects.mjs').Subject} */
function subject(name, path, given) {
  return { name, path, play: async (session) => [await session.run(await given.feeds())], ...given };
}

/**
 * @param {'whole' | 'small'} size
 * @returns {import('./subjects.mjs').Subject[]}
 */
export const networkSubjects = (size) =>
  Object.entries(networks)
    .filter(([, sizes]) => sizes[size])
    .flatMap(([name, { [size]: sizes }]) => {
      const inputs = [input(sizes, size)];
      // GroupQueryAttention takes padding behind the tokens alone.
      if (name === 'llama' && size === 'small')
        inputs.push(decoderInput(sizes, { prompt: 12, count: 16, padding: [5, 0] }));
      const path = () => makeNetwork(folder, name, size);
      return inputs.map((given) => subject(size === 'whole' ? name : `${name}-small`, path, given));
    });

/**
 * Their results are compared in tests/bench: integers are rounded at each layer, which the limits here do not allow for.
 * @param {'whole' | 'small'} size
 * @returns {import('./subjects.mjs').Subject[]}
 */
export const variantSubjects = (size) =>
  Object.entries(variants).map(([name, { of }]) =>
    subject(name, () => makeVariant(folder, name, size), input(networks[of][size], size)),
  );
