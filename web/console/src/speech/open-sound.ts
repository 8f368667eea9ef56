import { isWav, readWav, type Sound } from './wav.js';

/** Longest sound that is taken, in seconds. */
const LONGEST = 3600;

/** WAV by our own reader, everything else by the browser's decoders. Throws in words. */
export async function openSound(file: Blob): Promise<Sound> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const sound = isWav(bytes) ? readWav(bytes) : await decodeWithBrowser(bytes);
  if (sound.samples.length === 0) throw new Error('This file holds no sound.');
  if (sound.samples.length / sound.rate > LONGEST) throw new Error('This sound is longer than an hour.');
  return sound;
}

async function decodeWithBrowser(bytes: Uint8Array<ArrayBuffer>): Promise<Sound> {
  const rate = 16000;
  const decoded = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes.buffer).catch(() => {
    throw new Error('The browser cannot read this file as a sound. WAV works everywhere.');
  });
  const samples = new Float32Array(decoded.length);
  for (let c = 0; c < decoded.numberOfChannels; c++) {
    const channel = decoded.getChannelData(c);
    for (let i = 0; i < samples.length; i++) samples[i] += channel[i] / decoded.numberOfChannels;
  }
  return { rate, samples };
}
