import { formatBytes, formatMilliseconds } from '../lib/words.js';
import { ErrorNotice, ProgressBar, Status } from './notices.js';
import type { ModelState } from './use-model.js';

/** How far the model is: coming, being prepared, ready, or why not. */
export function ModelStatus({ state }: { state: ModelState }) {
  const { model, progress, error, retry } = state;
  if (error) return <ErrorNotice error={error} onRetry={retry} />;
  if (model) {
    return (
      <Status>
        {model.model.title} is ready: fetched in {formatMilliseconds(model.downloadTime)}, prepared in{' '}
        {formatMilliseconds(model.createTime)}.
      </Status>
    );
  }
  if (progress && progress.loaded < progress.total) {
    const label = `Fetching ${progress.model.title}: ${formatBytes(progress.loaded)} of ${formatBytes(progress.total)}`;
    return <ProgressBar label={label} value={progress.loaded / progress.total} />;
  }
  return <Status>{progress ? 'Preparing the model ...' : 'Asking the server for the model ...'}</Status>;
}
