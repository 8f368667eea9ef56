import { InferenceSession } from 'kinglet';
import { type CatalogModel, downloadFile, loadCatalog, modelSize } from './catalog.js';

export interface LoadProgress {
  readonly model: CatalogModel;
  readonly loaded: number;
  readonly total: number;
}

/** A model of the catalog with its sessions by role (`.onnx`) and its other files as text. */
export interface LoadedModel {
  readonly model: CatalogModel;
  readonly sessions: ReadonlyMap<string, InferenceSession>;
  readonly texts: ReadonlyMap<string, string>;
  /** Milliseconds. */
  readonly downloadTime: number;
  readonly createTime: number;
  release(): Promise<void>;
}

export async function loadModel(
  name: string,
  signal: AbortSignal,
  onProgress: (progress: LoadProgress) => void,
): Promise<LoadedModel> {
  const { models } = await loadCatalog();
  const model = models.find((candidate) => candidate.name === name);
  if (!model) throw new Error(`The server's catalog has no model named ${name}.`);
  const total = modelSize(model);
  const arrived = new Map<string, number>();
  const from = performance.now();
  const files = await Promise.all(
    model.files.map(async (file) => {
      const bytes = await downloadFile(file, signal, (count) => {
        arrived.set(file.path, count);
        onProgress({ model, total, loaded: [...arrived.values()].reduce((sum, n) => sum + n, 0) });
      });
      return { file, bytes };
    }),
  );
  const downloaded = performance.now();

  const sessions = new Map<string, InferenceSession>();
  const texts = new Map<string, string>();
  const release = async () => {
    const open = [...sessions.values()];
    sessions.clear();
    await Promise.all(open.map((session) => session.release()));
  };
  const outcomes = await Promise.allSettled(
    files.map(async ({ file, bytes }) => {
      if (file.path.endsWith('.onnx')) sessions.set(file.role, await InferenceSession.create(bytes));
      else texts.set(file.role, new TextDecoder().decode(bytes));
    }),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed || signal.aborted) {
    await release();
    throw failed?.reason ?? signal.reason;
  }
  const createTime = performance.now() - downloaded;
  return { model, sessions, texts, downloadTime: downloaded - from, createTime, release };
}

/** The session of a role; a model whose list lacks it cannot do its task. */
export function sessionOf(loaded: LoadedModel, role: string): InferenceSession {
  const session = loaded.sessions.get(role);
  if (!session) throw new Error(`${loaded.model.title} has no file for "${role}".`);
  return session;
}
