import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The sample sound from left to right: sentences, pauses, and two loud things that are not speech. */
const SCRIPT = [
  { quiet: 1.0 },
  { say: 'The kinglet is the smallest songbird of Europe.', voice: 'en-us' },
  { quiet: 1.2 },
  { tone: 1.0, hertz: 440 },
  { quiet: 1.0 },
  { say: 'It weighs five point seven grams, and it never stops moving.', voice: 'en-gb' },
  { quiet: 1.2 },
  { hiss: 1.0 },
  { quiet: 1.0 },
  { say: 'Everything you hear is processed on your own machine.', voice: 'en-us' },
  { quiet: 1.0 },
];
const LOUDNESS = 0.5;

/**
 * Writes a 16-bit mono WAV at the rate espeak-ng speaks (22,050 Hz) and a JSON of what lies where, in seconds.
 * @param {string} wav
 * @param {string} json
 */
export async function makeSpeech(wav, json) {
  const work = await mkdtemp(join(tmpdir(), 'kinglet-speech-'));
  try {
    const parts = [];
    const spans = [];
    const noise = randomNumbers(2026);
    let rate = 22050;
    let length = 0;
    for (const item of SCRIPT) {
      const { kind, samples, rate: spoken } = await render(item, rate, work, noise);
      rate = spoken;
      spans.push({ kind, start: length / rate, end: (length + samples.length) / rate });
      parts.push(samples);
      length += samples.length;
    }
    const whole = new Float64Array(length);
    let at = 0;
    for (const samples of parts) {
      whole.set(samples, at);
      at += samples.length;
    }
    // A real room is never digitally silent.
    for (let i = 0; i < length; i++) whole[i] += (noise() - 0.5) * 0.002;
    await writeFile(wav, encodeWav(whole, rate));
    await writeFile(json, `${JSON.stringify({ rate, seconds: length / rate, spans }, null, 2)}\n`);
  } finally {
    await rm(work, { recursive: true });
  }
}

/**
 * @param {{ quiet?: number, say?: string, voice?: string, tone?: number, hertz?: number, hiss?: number }} item
 * @param {number} rate
 * @param {string} work
 * @param {() => number} noise
 */
async function render(item, rate, work, noise) {
  if (item.say !== undefined) {
    const path = join(work, 'say.wav');
    await run('espeak-ng', ['-v', item.voice ?? 'en', '-s', '150', '-w', path, item.say]).catch((error) => {
      const text =
        error.code === 'ENOENT' ? 'espeak-ng is missing. As root: apt-get install espeak-ng' : error.message;
      throw new Error(text);
    });
    const spoken = decodeWav(await readFile(path));
    return { kind: 'speech', samples: trim(spoken.samples), rate: spoken.rate };
  }
  const seconds = item.quiet ?? item.tone ?? item.hiss ?? 0;
  const samples = new Float64Array(Math.round(seconds * rate));
  for (let i = 0; i < samples.length; i++) {
    const fade = Math.min(1, i / 500, (samples.length - i) / 500);
    if (item.tone) samples[i] = 0.3 * fade * Math.sin((2 * Math.PI * (item.hertz ?? 440) * i) / rate);
    if (item.hiss) samples[i] = 0.3 * fade * (noise() * 2 - 1);
  }
  return { kind: item.tone ? 'tone' : item.hiss ? 'hiss' : 'quiet', samples, rate };
}

/**
 * Cuts the silence at both ends and sets the loudness.
 * @param {Float64Array} samples
 */
function trim(samples) {
  const peak = samples.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const loud = (/** @type {number} */ v) => Math.abs(v) > peak * 0.02;
  const first = samples.findIndex(loud);
  const last = samples.findLastIndex(loud);
  return samples.slice(first, last + 1).map((v) => (v * LOUDNESS) / peak);
}

/** @param {Buffer} bytes what espeak-ng writes: a 44-byte header, 16-bit mono */
function decodeWav(bytes) {
  const rate = bytes.readUInt32LE(24);
  if (
    bytes.toString('latin1', 0, 4) !== 'RIFF' ||
    bytes.readUInt16LE(34) !== 16 ||
    bytes.readUInt16LE(22) !== 1
  ) {
    throw new Error('espeak-ng wrote something other than a 16-bit mono WAV');
  }
  const samples = new Float64Array((bytes.length - 44) >> 1);
  for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(44 + 2 * i) / 32768;
  return { rate, samples };
}

/**
 * @param {Float64Array} samples
 * @param {number} rate
 */
function encodeWav(samples, rate) {
  const bytes = Buffer.alloc(44 + 2 * samples.length);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(rate * 2, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(2 * samples.length, 40);
  samples.forEach((v, i) => {
    bytes.writeInt16LE(Math.round(Math.max(-1, Math.min(1, v)) * 32767), 44 + 2 * i);
  });
  return bytes;
}

/**
 * Uniform numbers in 0..1, the same on every machine.
 * @param {number} seed
 */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
