import type { InferenceSession } from 'kinglet';
import { useState } from 'preact/hooks';
import type { LoadedModel } from '../lib/model.js';
import { formatBytes } from '../lib/words.js';
import { ErrorNotice } from './notices.js';

interface Row {
  readonly role: string;
  readonly title: string;
  readonly info: InferenceSession.Info;
}

async function ask(model: LoadedModel): Promise<Row[]> {
  const rows = [...model.sessions].map(async ([role, session]) => {
    const title = model.model.files.find((file) => file.role === role)?.title ?? role;
    return { role, title, info: await session.info() };
  });
  return Promise.all(rows);
}

/** What each session takes and how the engine runs it, asked for when opened. */
export function EngineDetails({ model }: { model: LoadedModel }) {
  const [rows, setRows] = useState<readonly Row[]>([]);
  const [error, setError] = useState<unknown>(null);
  return (
    <details
      class="engine"
      onToggle={(event) => {
        if (!event.currentTarget.open) return;
        setError(null);
        ask(model).then(setRows, setError);
      }}
    >
      <summary>Under the hood</summary>
      <ErrorNotice error={error} />
      {rows.map(({ role, title, info }) => (
        <section key={role} aria-label={title}>
          <h2>{title}</h2>
          <p>
            Engine build: {info.variant}. Memory: {formatBytes(info.liveBytes)} in use of{' '}
            {formatBytes(info.heapBytes)}.
          </p>
          <details>
            <summary>Graph and plan</summary>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must get into it */}
            <pre tabIndex={0}>{info.text}</pre>
          </details>
        </section>
      ))}
    </details>
  );
}
