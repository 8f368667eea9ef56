/** Zero crossings of the windowed sinc on each side. */
const CROSSINGS = 16;
const MOST_PHASES = 20_000;

/**
 * Changes the sample rate of a stream by a Hann-windowed sinc that passes what both rates can carry. Output sample n belongs to the
 * time of input sample n * from / to.
 */
export class Resampler {
  private readonly from: number;
  private readonly to: number;
  private readonly half: number;
  private readonly weights: Float32Array[];
  private kept: Float32Array<ArrayBufferLike>;
  /** Input index of kept[0]. */
  private keptFrom: number;
  private produced = 0;
  private taken = 0;

  constructor(from: number, to: number) {
    const divisor = greatestCommonDivisor(from, to);
    this.from = from / divisor;
    this.to = to / divisor;
    if (this.to > MOST_PHASES) throw new RangeError(`Cannot change ${from} samples per second into ${to}.`);
    const cutoff = Math.min(1, to / from);
    this.half = Math.ceil(CROSSINGS / cutoff);
    this.weights = Array.from({ length: this.to }, (_, phase) =>
      phaseWeights(phase / this.to, cutoff, this.half),
    );
    this.kept = new Float32Array(this.half);
    this.keptFrom = -this.half;
  }

  /** The output samples that the input so far determines. */
  push(samples: Float32Array): Float32Array {
    this.taken += samples.length;
    const joined = new Float32Array(this.kept.length + samples.length);
    joined.set(this.kept);
    joined.set(samples, this.kept.length);
    this.kept = joined;
    return this.produce(this.taken - this.half);
  }

  /** The rest, as if silence followed. */
  flush(): Float32Array {
    const end = this.taken;
    const tail = new Float32Array(this.kept.length + this.half);
    tail.set(this.kept);
    this.kept = tail;
    return this.produce(end);
  }

  /** All outputs whose time lies before input index `end`. */
  private produce(end: number): Float32Array {
    const last = Math.max(Math.ceil((end * this.to) / this.from), this.produced);
    const out = new Float32Array(last - this.produced);
    for (let i = 0; i < out.length; i++) {
      const time = (this.produced + i) * this.from;
      const whole = Math.floor(time / this.to);
      const weights = this.weights[time - whole * this.to];
      const first = whole - this.half + 1 - this.keptFrom;
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k] * this.kept[first + k];
      out[i] = sum;
    }
    this.produced = last;
    const next = Math.floor((last * this.from) / this.to) - this.half + 1;
    if (next > this.keptFrom) {
      this.kept = this.kept.slice(next - this.keptFrom);
      this.keptFrom = next;
    }
    return out;
  }
}

/** A whole sound at once; the result covers the same time. */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  if (from === to) return samples;
  const resampler = new Resampler(from, to);
  const head = resampler.push(samples);
  const tail = resampler.flush();
  const out = new Float32Array(head.length + tail.length);
  out.set(head);
  out.set(tail, head.length);
  return out;
}

/** Weights of inputs 1 - half .. half around a time `fraction` after input 0; they sum to 1. */
function phaseWeights(fraction: number, cutoff: number, half: number): Float32Array {
  const weights = new Float32Array(2 * half);
  let sum = 0;
  for (let k = 0; k < weights.length; k++) {
    const t = k - half + 1 - fraction;
    const x = Math.PI * t * cutoff;
    const window = Math.abs(t) < half ? 0.5 + 0.5 * Math.cos((Math.PI * t) / half) : 0;
    weights[k] = (x === 0 ? 1 : Math.sin(x) / x) * window;
    sum += weights[k];
  }
  return weights.map((w) => w / sum);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
