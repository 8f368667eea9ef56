import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { FRAME_SECONDS, SpeechDetector, type SpeechRate } from '../../web/console/src/speech/detector.js';
import { Resampler, resample } from '../../web/console/src/speech/resample.js';
import { findSegments } from '../../web/console/src/speech/segments.js';
import { readWav, type Sound, WavError } from '../../web/console/src/speech/wav.js';
import { CATALOG, loadSession, readJson, Tensor } from './judge.js';

interface Span {
  kind: string;
  start: number;
  end: number;
}
let sound: Sound;
let spans: Span[];
let session: Awaited<ReturnType<typeof loadSession>>;
before(async () => {
  sound = readWav(await readFile(join(CATALOG, 'samples/speech.wav')));
  spans = (await readJson('samples/speech.json')).spans;
  session = await loadSession('silero-vad/5.0.0/vad.onnx');
});

for (const rate of [16000, 8000] as SpeechRate[]) {
  test(`speech is found where the sample has it, at ${rate} Hz`, async () => {
    const detector = new SpeechDetector(session, Tensor, rate);
    const samples = resample(sound.samples, sound.rate, rate);
    const probabilities: number[] = [];
    for (let at = 0; at < samples.length; at += 700) {
      probabilities.push(...(await detector.push(samples.subarray(at, at + 700))));
    }
    probabilities.push(...(await detector.flush()));
    assert.equal(probabilities.length, Math.ceil(samples.length / (rate * FRAME_SECONDS)));
    const segments = findSegments(probabilities, FRAME_SECONDS, samples.length / rate);
    const speech = spans.filter((span) => span.kind === 'speech');
    for (const { start, end } of segments) {
      const inside = speech.find((span) => start > span.start - 0.3 && end < span.end + 0.3);
      assert.ok(inside, `${start.toFixed(2)}-${end.toFixed(2)} is no speech`);
    }
    for (const span of speech) {
      const covered = segments.reduce(
        (sum, s) => sum + Math.max(0, Math.min(s.end, span.end) - Math.max(s.start, span.start)),
        0,
      );
      assert.ok(covered > 0.85 * (span.end - span.start), `${span.start}: ${covered}`);
    }
  });
}

describe('resampling', () => {
  const tone = (hertz: number, rate: number, seconds: number) =>
    Float32Array.from({ length: Math.ceil(rate * seconds) }, (_, i) =>
      Math.sin((2 * Math.PI * hertz * i) / rate),
    );
  for (const [from, to, hertz] of [
    [44100, 16000, 1000],
    [22050, 16000, 3000],
    [48000, 16000, 6000],
    [11025, 16000, 2000],
    [48000, 8000, 440],
  ]) {
    test(`${from} -> ${to} keeps a tone of ${hertz} Hz`, () => {
      const got = resample(tone(hertz, from, 0.5), from, to);
      const want = tone(hertz, to, 0.5);
      assert.ok(Math.abs(got.length - want.length) <= 1);
      for (let i = 200; i < want.length - 200; i++)
        assert.ok(Math.abs(got[i] - want[i]) < 5e-3, `${i}: ${got[i]} ${want[i]}`);
    });
  }
  test('what the new rate cannot carry is removed', () => {
    const got = resample(tone(12000, 48000, 0.5), 48000, 16000);
    assert.ok(got.subarray(200, -200).every((v) => Math.abs(v) < 2e-3));
  });
  test('in pieces of any size it gives the same', () => {
    const whole = resample(tone(700, 44100, 0.2), 44100, 16000);
    const resampler = new Resampler(44100, 16000);
    const source = tone(700, 44100, 0.2);
    const pieces: number[] = [];
    for (let at = 0, n = 1; at < source.length; at += n, n = (n * 7) % 411)
      pieces.push(...resampler.push(source.subarray(at, at + n)));
    pieces.push(...resampler.flush());
    assert.deepEqual(Float32Array.from(pieces), whole);
  });
});

describe('WAV', () => {
  /** A WAV of the given format, written by its definition. */
  function wav(
    code: number,
    bits: number,
    channels: number,
    frames: number[][],
    extra: Buffer = Buffer.alloc(0),
  ) {
    const step = bits / 8;
    const data = Buffer.alloc(frames.length * channels * step);
    frames.flat().forEach((v, i) => {
      if (code === 3) data.writeFloatLE(v, i * step);
      else if (bits === 8) data.writeUInt8(Math.round(v * 127) + 128, i);
      else data.writeIntLE(Math.round(v * (2 ** (bits - 1) - 1)), i * step, step);
    });
    const head = Buffer.alloc(28);
    head.write('fmt ', 0);
    head.writeUInt32LE(16, 4);
    head.writeUInt16LE(code, 8);
    head.writeUInt16LE(channels, 10);
    head.writeUInt32LE(44100, 12);
    head.writeUInt32LE(44100 * channels * step, 16);
    head.writeUInt16LE(channels * step, 20);
    head.writeUInt16LE(bits, 22);
    const chunk = Buffer.concat([Buffer.from('data'), Buffer.alloc(4), data]);
    chunk.writeUInt32LE(data.length, 4);
    return Buffer.concat([Buffer.from('RIFF\0\0\0\0WAVE'), head.subarray(0, 24), extra, chunk]);
  }
  const frames = [
    [0.5, -0.5],
    [1, 0],
    [-1, -0.25],
    [0, 0],
  ];
  const mono = frames.map(([l, r]) => (l + r) / 2);
  for (const [code, bits] of [
    [1, 8],
    [1, 16],
    [1, 24],
    [1, 32],
    [3, 32],
  ]) {
    test(`format ${code}, ${bits} bits, stereo`, () => {
      const got = readWav(wav(code, bits, 2, frames));
      assert.equal(got.rate, 44100);
      assert.equal(got.samples.length, 4);
      got.samples.forEach((v, i) => {
        assert.ok(Math.abs(v - mono[i]) < 2 ** -(bits === 8 ? 6 : 14), `${i}: ${v} ${mono[i]}`);
      });
    });
  }
  test('unknown chunks of odd size are skipped', () => {
    const list = Buffer.from('LIST\x03\0\0\0abc\0', 'latin1');
    assert.equal(readWav(wav(1, 16, 2, frames, list)).samples.length, 4);
  });
  test('a cut file gives the samples it has', () => {
    assert.equal(readWav(wav(1, 16, 2, frames).subarray(0, -6)).samples.length, 2);
  });
  test('other files are refused in words', () => {
    const good = wav(1, 16, 2, frames);
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('RIFF'),
      good.subarray(0, 20),
      wav(2, 16, 2, frames),
      wav(1, 16, 0, []),
      wav(1, 12 as 16, 1, []),
    ]) {
      assert.throws(() => readWav(bytes), WavError);
    }
  });
});

test('segments: hysteresis, short ones dropped, short pauses bridged, margins never overlap', () => {
  const at = (text: string) => Array.from(text, (c) => Number(c) / 10);
  const find = (text: string) =>
    findSegments(at(text), 0.1, text.length / 10).map(({ start, end }) =>
      [start, end].map((v) => +v.toFixed(3)),
    );
  assert.deepEqual(find('0000099999000000'), [[0.47, 1.03]]);
  assert.deepEqual(find('00000944449400000'), [[0.47, 1.23]]);
  assert.deepEqual(find('0099000000'), []);
  assert.deepEqual(find('9999099990000'), [[0, 0.93]]);
  assert.deepEqual(find('99990009999'), [
    [0, 0.43],
    [0.67, 1.1],
  ]);
});
