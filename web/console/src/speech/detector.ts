import type { SessionLike, TensorConstructor, TensorLike } from '../lib/engine.js';

export type SpeechRate = 8000 | 16000;

const FRAME: Record<SpeechRate, number> = { 8000: 256, 16000: 512 };
const CONTEXT: Record<SpeechRate, number> = { 8000: 32, 16000: 64 };
const STATE_DIMS = [2, 1, 128] as const;

/** Seconds that one probability stands for, at either rate. */
export const FRAME_SECONDS = FRAME[16000] / 16000;

/** Silero VAD 5 over a stream: keeps the network's state and the tail of the frame before. */
export class SpeechDetector {
  private readonly session: SessionLike;
  private readonly Tensor: TensorConstructor;
  private readonly rate: SpeechRate;
  private readonly frame: number;
  private readonly context: number;
  private readonly input: Float32Array;
  private state: Float32Array = new Float32Array(2 * 128);
  private filled = 0;

  constructor(session: SessionLike, Tensor: TensorConstructor, rate: SpeechRate) {
    this.session = session;
    this.Tensor = Tensor;
    this.rate = rate;
    this.frame = FRAME[rate];
    this.context = CONTEXT[rate];
    this.input = new Float32Array(this.context + this.frame);
  }

  /** Takes samples at the detector's rate; one probability per frame that they complete. Calls must not overlap. */
  async push(samples: Float32Array, signal?: AbortSignal): Promise<number[]> {
    const probabilities: number[] = [];
    for (let at = 0; at < samples.length; ) {
      const take = Math.min(this.frame - this.filled, samples.length - at);
      this.input.set(samples.subarray(at, at + take), this.context + this.filled);
      this.filled += take;
      at += take;
      if (this.filled < this.frame) break;
      signal?.throwIfAborted();
      probabilities.push(await this.runFrame());
    }
    return probabilities;
  }

  /** The last, unfinished frame, filled up with silence. */
  async flush(): Promise<number[]> {
    if (this.filled === 0) return [];
    return this.push(new Float32Array(this.frame - this.filled));
  }

  private async runFrame(): Promise<number> {
    const { Tensor } = this;
    const results = await this.session.run({
      input: new Tensor('float32', this.input.slice(), [1, this.input.length]),
      state: new Tensor('float32', this.state, STATE_DIMS),
      sr: new Tensor('int64', BigInt64Array.of(BigInt(this.rate)), []),
    });
    this.state = (results.stateN as TensorLike).data as Float32Array;
    this.input.copyWithin(0, this.frame);
    this.filled = 0;
    return Number((results.output as TensorLike).data[0]);
  }
}
