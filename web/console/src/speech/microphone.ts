export interface Microphone {
  /** Samples per second. */
  readonly rate: number;
  stop(): Promise<void>;
}

/** Asks for the microphone and hands over its samples in small blocks until stopped. */
export async function openMicrophone(onSamples: (samples: Float32Array) => void): Promise<Microphone> {
  if (!navigator.mediaDevices) {
    throw new Error('The browser gives the microphone only to pages of this machine or over HTTPS.');
  }
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  const context = new AudioContext();
  const stop = async () => {
    for (const track of stream.getTracks()) track.stop();
    if (context.state !== 'closed') await context.close();
  };
  try {
    await context.audioWorklet.addModule('/microphone-worklet.js');
    const node = new AudioWorkletNode(context, 'microphone', { numberOfOutputs: 0 });
    node.port.onmessage = (event: MessageEvent<Float32Array>) => onSamples(event.data);
    context.createMediaStreamSource(stream).connect(node);
    await context.resume();
    return { rate: context.sampleRate, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
