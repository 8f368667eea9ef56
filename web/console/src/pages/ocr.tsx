import { Tensor } from 'kinglet';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { catalogUrl, fetchOk, loadCatalog } from '../lib/catalog.js';
import type { TensorConstructor } from '../lib/engine.js';
import { type LoadedModel, sessionOf } from '../lib/model.js';
import { isAbort } from '../lib/words.js';
import { parseCharacters } from '../ocr/ctc.js';
import { decodePicture } from '../ocr/decode.js';
import { OcrReader, type OcrResult } from '../ocr/reader.js';
import { DropZone } from '../ui/drop-zone.js';
import { EngineDetails } from '../ui/engine-details.js';
import { ModelStatus } from '../ui/model-status.js';
import { ErrorNotice, ProgressBar } from '../ui/notices.js';
import { LinesPanel, PictureWithBoxes } from '../ui/ocr-result.js';
import { useModel } from '../ui/use-model.js';

interface Shown {
  readonly url: string;
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

function makeReader(model: LoadedModel): OcrReader {
  const sessions = {
    detect: sessionOf(model, 'detect'),
    recognise: sessionOf(model, 'recognise'),
    orient: model.sessions.get('orient'),
  };
  return new OcrReader(
    sessions,
    Tensor as TensorConstructor,
    parseCharacters(model.texts.get('characters') ?? ''),
  );
}

export function OcrPage() {
  const state = useModel('pp-ocrv4');
  const reader = useMemo(() => state.model && makeReader(state.model), [state.model]);
  const [waiting, setWaiting] = useState<Blob | null>(null);
  const [shown, setShown] = useState<Shown | null>(null);
  const [result, setResult] = useState<OcrResult | null>(null);
  const [progress, setProgress] = useState<{ label: string; value: number } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [active, setActive] = useState(-1);
  const running = useRef<AbortController | null>(null);

  const stop = useCallback(() => {
    running.current?.abort();
    running.current = null;
    setProgress(null);
  }, []);
  useEffect(() => stop, [stop]);
  useEffect(() => () => URL.revokeObjectURL(shown?.url ?? ''), [shown]);

  const open = useCallback(
    async (file: Blob) => {
      if (!reader) {
        setWaiting(file);
        return;
      }
      stop();
      const control = new AbortController();
      running.current = control;
      setError(null);
      setResult(null);
      setActive(-1);
      try {
        setProgress({ label: 'Decoding the picture ...', value: 0 });
        const picture = await decodePicture(file);
        control.signal.throwIfAborted();
        const name = file instanceof File ? file.name : 'The sample picture';
        setShown({ url: URL.createObjectURL(file), name, width: picture.width, height: picture.height });
        const found = await reader.read(picture, {
          signal: control.signal,
          onProgress: (stage, done, total) => {
            if (control.signal.aborted) return;
            const label =
              stage === 'detect'
                ? 'Looking for lines of text ...'
                : `Reading line ${Math.min(done + 1, total)} of ${total} ...`;
            setProgress({ label, value: stage === 'detect' ? 0.1 : 0.2 + 0.8 * (total ? done / total : 1) });
          },
        });
        setResult(found);
      } catch (cause) {
        if (!isAbort(cause)) setError(cause);
      } finally {
        if (running.current === control) stop();
      }
    },
    [reader, stop],
  );
  useEffect(() => {
    if (!reader || !waiting) return;
    setWaiting(null);
    open(waiting);
  }, [reader, waiting, open]);

  const openSample = async () => {
    try {
      const sample = (await loadCatalog()).samples.find(({ task }) => task === 'ocr');
      if (!sample) throw new Error("The server's catalog has no sample picture.");
      await open(await (await fetchOk(catalogUrl(sample.url), 'The sample picture')).blob());
    } catch (cause) {
      setError(cause);
    }
  };

  return (
    <>
      <h1>Read a picture</h1>
      <p class="lead">
        Finds printed text in a picture and reads it: Chinese, English, digits and punctuation.
      </p>
      <ModelStatus state={state} />
      <DropZone accept="image/*" label="Choose a picture" onFile={open}>
        <button type="button" onClick={openSample}>
          Use the sample
        </button>
      </DropZone>
      {waiting && !state.error && <p class="status">The picture is read as soon as the model is here.</p>}
      <ErrorNotice error={error} />
      {progress && (
        <div class="running">
          <ProgressBar {...progress} />
          <button type="button" onClick={stop}>
            Stop
          </button>
        </div>
      )}
      {shown && (
        <div class="split">
          <PictureWithBoxes {...shown} lines={result?.lines ?? []} active={active} onActive={setActive} />
          {result && <LinesPanel result={result} active={active} onActive={setActive} />}
        </div>
      )}
      {state.model && <EngineDetails model={state.model} />}
    </>
  );
}
