import type { ComponentChildren } from 'preact';
import { explain } from '../lib/words.js';

/** An error in words, announced to screen readers; nothing when there is none. */
export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  if (error === null || error === undefined) return null;
  return (
    <div class="notice error" role="alert">
      <p>{explain(error)}</p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Status({ children }: { children: ComponentChildren }) {
  return (
    <p class="status" role="status">
      {children}
    </p>
  );
}

/** A labelled bar; `value` runs from 0 to 1. */
export function ProgressBar({ label, value }: { label: string; value: number }) {
  return (
    <div class="progress">
      <span>{label}</span>
      <progress max={1} value={value} aria-label={label} />
    </div>
  );
}
