import { useCallback, useEffect, useState } from 'preact/hooks';
import { type Catalog, type CatalogModel, catalogUrl, loadCatalog, modelSize } from '../lib/catalog.js';
import { formatBytes } from '../lib/words.js';
import { ErrorNotice, Status } from '../ui/notices.js';

const TASKS: Readonly<Record<string, { label: string; page: string; action: string }>> = {
  ocr: { label: 'Text in pictures', page: '#/ocr', action: 'Read a picture' },
  'speech-activity': { label: 'Speech activity', page: '#/speech', action: 'Find speech' },
};

export function HomePage() {
  const [catalog, setCatalog] = useState<Catalog | null>(null);
  const [error, setError] = useState<unknown>(null);
  const load = useCallback(() => {
    setError(null);
    loadCatalog().then(setCatalog, setError);
  }, []);
  useEffect(load, [load]);
  return (
    <>
      <h1>Models</h1>
      <p class="lead">
        Each model travels once to this page as verified bytes. Every prediction then runs on your own
        machine; your pictures and sounds are sent nowhere.
      </p>
      <ErrorNotice error={error} onRetry={load} />
      {!catalog && !error && <Status>Asking the server for its models ...</Status>}
      {catalog && catalog.models.length === 0 && <Status>The server's catalog is empty.</Status>}
      <div class="cards">
        {catalog?.models.map((model) => (
          <ModelCard key={model.name} model={model} />
        ))}
      </div>
    </>
  );
}

function ModelCard({ model }: { model: CatalogModel }) {
  const task = TASKS[model.task];
  const heading = `model-${model.name}`;
  return (
    <article class="card" aria-labelledby={heading}>
      <p class="chip">{task?.label ?? model.task}</p>
      <h2 id={heading}>{model.title}</h2>
      <p>{model.description}</p>
      <dl class="facts">
        <dt>Size</dt>
        <dd>{formatBytes(modelSize(model))}</dd>
        <dt>Version</dt>
        <dd>{model.version}</dd>
        <dt>Licence</dt>
        <dd>{model.licence.spdx}</dd>
        {model.origin.authors && (
          <>
            <dt>By</dt>
            <dd>{model.origin.authors}</dd>
          </>
        )}
      </dl>
      <details>
        <summary>Files and licence</summary>
        <ul class="files">
          {model.files.map((file) => (
            <li key={file.path}>
              <a href={catalogUrl(file.url)} download={file.path}>
                {file.path}
              </a>{' '}
              {formatBytes(file.size)}, {file.title}
              <code title="SHA-256">{file.sha256}</code>
            </li>
          ))}
        </ul>
        <p>{model.licence.note}</p>
        {model.origin.carrier && <p>Carried by {model.origin.carrier}.</p>}
        <p>
          <a href={catalogUrl(model.card)} target="_blank" rel="noreferrer">
            Model card
          </a>
        </p>
      </details>
      {task && (
        <a class="button primary" href={task.page}>
          {task.action}
        </a>
      )}
    </article>
  );
}
