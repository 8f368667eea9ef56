import { useCallback, useEffect, useState } from 'preact/hooks';
import { type LoadedModel, type LoadProgress, loadModel } from '../lib/model.js';

export interface ModelState {
  readonly model: LoadedModel | null;
  readonly progress: LoadProgress | null;
  readonly error: unknown;
  readonly retry: () => void;
}

/** Loads a model of the catalog while the page is shown; leaving the page stops the download and releases the sessions. */
export function useModel(name: string): ModelState {
  const [state, setState] = useState<Omit<ModelState, 'retry'>>({ model: null, progress: null, error: null });
  const [attempt, setAttempt] = useState(0);
  // A new attempt loads again.
  useEffect(() => {
    const leaving = new AbortController();
    let loaded: LoadedModel | null = null;
    setState({ model: null, progress: null, error: null });
    loadModel(name, leaving.signal, (progress) => {
      if (!leaving.signal.aborted) setState({ model: null, progress, error: null });
    })
      .then((model) => {
        loaded = model;
        if (leaving.signal.aborted) return model.release();
        setState({ model, progress: null, error: null });
      })
      .catch((error) => {
        if (!leaving.signal.aborted) setState({ model: null, progress: null, error });
      });
    return () => {
      leaving.abort();
      loaded?.release().catch(() => {});
    };
  }, [name, attempt]);
  const retry = useCallback(() => setAttempt((n) => n + 1), []);
  return { ...state, retry };
}
