import { type InferenceSession, Tensor } from 'kinglet';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { catalogUrl, fetchOk, loadCatalog } from '../lib/catalog.js';
import type { TensorConstructor } from '../lib/engine.js';
import { sessionOf } from '../lib/model.js';
import { isAbort } from '../lib/words.js';
import { Analysis, analyseSound } from '../speech/analyse.js';
import { type Microphone, openMicrophone } from '../speech/microphone.js';
import { openSound } from '../speech/open-sound.js';
import { findSegments } from '../speech/segments.js';
import { DropZone } from '../ui/drop-zone.js';
import { EngineDetails } from '../ui/engine-details.js';
import { ModelStatus } from '../ui/model-status.js';
import { ErrorNotice, ProgressBar } from '../ui/notices.js';
import { SpeechResult } from '../ui/speech-result.js';
import { useModel } from '../ui/use-model.js';

/** Seconds of the microphone that are shown, and that are listened to at most. */
const LIVE_SPAN = 20;
const LIVE_MOST = 600;

const startAnalysis = (session: InferenceSession, rate: number) =>
  new Analysis(session, Tensor as TensorConstructor, rate);

export function SpeechPage() {
  const state = useModel('silero-vad');
  const session = useMemo(() => state.model && sessionOf(state.model, 'detect'), [state.model]);
  const [waiting, setWaiting] = useState<Blob | null>(null);
  const [analysis, setAnalysis] = useState<Analysis | null>(null);
  const [audio, setAudio] = useState<string | null>(null);
  const [version, setVersion] = useState(0);
  const [share, setShare] = useState<number | null>(null);
  const [live, setLive] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const running = useRef<AbortController | null>(null);

  const stop = useCallback(() => {
    running.current?.abort();
    running.current = null;
    setShare(null);
    setLive(false);
  }, []);
  useEffect(() => stop, [stop]);
  useEffect(() => () => URL.revokeObjectURL(audio ?? ''), [audio]);

  /** Ends what runs and makes room for something new. */
  const begin = useCallback(() => {
    stop();
    const control = new AbortController();
    running.current = control;
    setError(null);
    setAnalysis(null);
    setAudio(null);
    return control;
  }, [stop]);

  const open = useCallback(
    async (file: Blob) => {
      if (!session) {
        setWaiting(file);
        return;
      }
      const control = begin();
      try {
        setShare(0);
        const sound = await openSound(file);
        control.signal.throwIfAborted();
        const next = startAnalysis(session, sound.rate);
        setAnalysis(next);
        setAudio(URL.createObjectURL(file));
        await analyseSound(next, sound, control.signal, (done) => {
          if (control.signal.aborted) return;
          setShare(done);
          setVersion((n) => n + 1);
        });
        setVersion((n) => n + 1);
      } catch (cause) {
        if (!isAbort(cause)) setError(cause);
      } finally {
        if (running.current === control) stop();
      }
    },
    [session, begin, stop],
  );
  useEffect(() => {
    if (!session || !waiting) return;
    setWaiting(null);
    open(waiting);
  }, [session, waiting, open]);

  const listen = useCallback(async () => {
    if (!session) return;
    const control = begin();
    let microphone: Microphone | null = null;
    let queue = Promise.resolve();
    let next: Analysis | null = null;
    const early: Float32Array[] = [];
    const feed = (samples: Float32Array) => {
      queue = queue
        .then(async () => {
          if (!next || control.signal.aborted) return;
          await next.push(samples, control.signal);
          if (control.signal.aborted) return;
          setVersion((n) => n + 1);
          if (next.track.seconds > LIVE_MOST) stop();
        })
        .catch((cause) => {
          if (!isAbort(cause)) setError(cause);
          if (running.current === control) stop();
        });
    };
    try {
      setLive(true);
      microphone = await openMicrophone((samples) => (next ? feed(samples) : early.push(samples)));
      const opened = microphone;
      const close = () => opened.stop().catch(() => {});
      if (control.signal.aborted) {
        await close();
        return;
      }
      control.signal.addEventListener('abort', close);
      next = startAnalysis(session, microphone.rate);
      setAnalysis(next);
      for (const samples of early) feed(samples);
    } catch (cause) {
      setError(cause);
      if (running.current === control) stop();
    }
  }, [session, begin, stop]);

  const openSample = async () => {
    try {
      const sample = (await loadCatalog()).samples.find(({ task }) => task === 'speech-activity');
      if (!sample) throw new Error("The server's catalog has no sample sound.");
      await open(await (await fetchOk(catalogUrl(sample.url), 'The sample sound')).blob());
    } catch (cause) {
      setError(cause);
    }
  };

  // The version stands for the contents of the track.
  const segments = useMemo(() => {
    if (!analysis) return [];
    const { probabilities, frameSeconds, seconds } = analysis.track;
    return findSegments(probabilities, frameSeconds, seconds);
  }, [analysis, version]);

  return (
    <>
      <h1>Find speech</h1>
      <p class="lead">Marks where somebody speaks: in a sound file, or live from the microphone.</p>
      <ModelStatus state={state} />
      <DropZone accept="audio/*,.wav" label="Choose a sound" onFile={open}>
        <button type="button" onClick={openSample}>
          Use the sample
        </button>
        <button type="button" aria-pressed={live} disabled={!session} onClick={live ? stop : listen}>
          {live ? 'Stop listening' : 'Use the microphone'}
        </button>
      </DropZone>
      {waiting && !state.error && <p class="status">The sound is searched as soon as the model is here.</p>}
      <ErrorNotice error={error} />
      {share !== null && (
        <div class="running">
          <ProgressBar label="Searching for speech ..." value={share} />
          <button type="button" onClick={stop}>
            Stop
          </button>
        </div>
      )}
      {analysis && (
        <SpeechResult
          analysis={analysis}
          segments={segments}
          version={version}
          audio={audio}
          live={live}
          finished={share === null && !live}
          span={audio ? undefined : LIVE_SPAN}
        />
      )}
      {state.model && <EngineDetails model={state.model} />}
    </>
  );
}
