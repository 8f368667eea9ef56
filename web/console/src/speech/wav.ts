export interface Sound {
  /** Samples per second. */
  readonly rate: number;
  /** One channel, -1..1. */
  readonly samples: Float32Array;
}

/** Says in words why a file is not a WAV we can read. */
export class WavError extends Error {
  override name = 'WavError';
}

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;

export function isWav(bytes: Uint8Array): boolean {
  return text(bytes, 0) === 'RIFF' && text(bytes, 8) === 'WAVE';
}

/** Reads PCM of 8, 16, 24 or 32 bits or 32-bit float, any rate; channels are averaged. A cut file gives the samples it has. */
export function readWav(bytes: Uint8Array): Sound {
  if (!isWav(bytes)) throw new WavError('This is not a WAV file.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format: { code: number; channels: number; rate: number; bits: number } | null = null;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = text(bytes, at);
    const size = view.getUint32(at + 4, true);
    const body = at + 8;
    if (name === 'fmt ' && size >= 16 && body + size <= bytes.length) {
      const code = view.getUint16(body, true);
      format = {
        code: code === EXTENSIBLE && size >= 26 ? view.getUint16(body + 24, true) : code,
        channels: view.getUint16(body + 2, true),
        rate: view.getUint32(body + 4, true),
        bits: view.getUint16(body + 14, true),
      };
    } else if (name === 'data') {
      if (!format) throw new WavError('The WAV file has no format before its data.');
      const { code, channels, rate, bits } = format;
      const read = sampleReader(view, code, bits);
      if (channels < 1 || channels > 64) throw new WavError(`The WAV file says it has ${channels} channels.`);
      if (rate < 1000 || rate > 768000)
        throw new WavError(`The WAV file says it has ${rate} samples per second.`);
      const step = bits / 8;
      const frames = Math.floor(Math.min(size, bytes.length - body) / (step * channels));
      const samples = new Float32Array(frames);
      for (let i = 0, from = body; i < frames; i++) {
        let sum = 0;
        for (let c = 0; c < channels; c++, from += step) sum += read(from);
        samples[i] = sum / channels;
      }
      return { rate, samples };
    }
    // Chunks begin at even offsets.
    at = body + size + (size & 1);
  }
  throw new WavError('The WAV file holds no sound.');
}

function sampleReader(view: DataView, code: number, bits: number): (at: number) => number {
  if (code === FLOAT && bits === 32) {
    return (at) => {
      const value = view.getFloat32(at, true);
      return Number.isFinite(value) ? value : 0;
    };
  }
  if (code === PCM && bits === 8) return (at) => (view.getUint8(at) - 128) / 128;
  if (code === PCM && bits === 16) return (at) => view.getInt16(at, true) / 32768;
  if (code === PCM && bits === 24)
    return (at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 65536) / 8388608;
  if (code === PCM && bits === 32) return (at) => view.getInt32(at, true) / 2147483648;
  throw new WavError(`This kind of WAV file is not supported (format ${code}, ${bits} bits per sample).`);
}

function text(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}
