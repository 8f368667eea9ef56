/** What is drawn of a sound: per frame the extremes of the waveform and the probability of speech. */
export class Track {
  readonly frameSamples: number;
  readonly frameSeconds: number;
  readonly lows: number[] = [];
  readonly highs: number[] = [];
  readonly probabilities: number[] = [];
  /** Length of the samples taken, in seconds. */
  seconds = 0;
  private low = 0;
  private high = 0;
  private filled = 0;

  constructor(frameSamples: number, frameSeconds: number) {
    this.frameSamples = frameSamples;
    this.frameSeconds = frameSeconds;
  }

  addSamples(samples: Float32Array): void {
    for (const value of samples) {
      this.low = Math.min(this.low, value);
      this.high = Math.max(this.high, value);
      if (++this.filled === this.frameSamples) this.closeFrame();
    }
    this.seconds += (samples.length / this.frameSamples) * this.frameSeconds;
  }

  addProbabilities(probabilities: readonly number[]): void {
    for (const p of probabilities) this.probabilities.push(p);
  }

  /** Closes the last, unfinished frame. */
  finish(): void {
    if (this.filled > 0) this.closeFrame();
  }

  private closeFrame(): void {
    this.lows.push(this.low);
    this.highs.push(this.high);
    this.low = 0;
    this.high = 0;
    this.filled = 0;
  }
}
