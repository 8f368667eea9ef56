import type { SessionLike, TensorConstructor } from '../lib/engine.js';
import { FRAME_SECONDS, SpeechDetector, type SpeechRate } from './detector.js';
import { Resampler } from './resample.js';
import { Track } from './track.js';
import type { Sound } from './wav.js';

/** The detector's rate for a sound: its own if the model knows it, otherwise 16 kHz. */
export const detectorRate = (rate: number): SpeechRate => (rate === 8000 ? 8000 : 16000);

/** Feeds a sound of any rate to the detector piece by piece and fills a track. Calls must not overlap. */
export class Analysis {
  readonly track: Track;
  /** Milliseconds spent in the network. */
  networkTime = 0;
  private readonly detector: SpeechDetector;
  private readonly resampler: Resampler | null;

  constructor(session: SessionLike, Tensor: TensorConstructor, soundRate: number) {
    const rate = detectorRate(soundRate);
    this.detector = new SpeechDetector(session, Tensor, rate);
    this.resampler = soundRate === rate ? null : new Resampler(soundRate, rate);
    this.track = new Track(FRAME_SECONDS * rate, FRAME_SECONDS);
  }

  async push(samples: Float32Array, signal?: AbortSignal): Promise<void> {
    await this.feed(this.resampler ? this.resampler.push(samples) : samples, signal);
  }

  async finish(signal?: AbortSignal): Promise<void> {
    if (this.resampler) await this.feed(this.resampler.flush(), signal);
    this.track.finish();
    this.track.addProbabilities(await this.detector.flush());
  }

  private async feed(samples: Float32Array, signal?: AbortSignal): Promise<void> {
    this.track.addSamples(samples);
    const from = performance.now();
    this.track.addProbabilities(await this.detector.push(samples, signal));
    this.networkTime += performance.now() - from;
  }
}

/** A whole sound, a second at a time; `onProgress` is told the share that is done, 0 to 1. */
export async function analyseSound(
  analysis: Analysis,
  { samples, rate }: Sound,
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<void> {
  for (let at = 0; at < samples.length; at += rate) {
    signal.throwIfAborted();
    await analysis.push(samples.subarray(at, at + rate), signal);
    onProgress(Math.min(1, (at + rate) / samples.length));
  }
  await analysis.finish(signal);
}
