/** The catalog as the server lists it; urls are relative to it. */
export interface CatalogFile {
  readonly path: string;
  readonly role: string;
  readonly title: string;
  readonly size: number;
  readonly sha256: string;
  readonly url: string;
}

export interface CatalogModel {
  readonly name: string;
  readonly version: string;
  readonly task: string;
  readonly title: string;
  readonly description: string;
  readonly licence: { readonly spdx: string; readonly note: string };
  readonly origin: { readonly authors?: string; readonly source?: string; readonly carrier?: string };
  readonly card: string;
  readonly files: readonly CatalogFile[];
}

export interface CatalogSample {
  readonly name: string;
  readonly task: string;
  readonly title: string;
  readonly url: string;
}

export interface Catalog {
  readonly models: readonly CatalogModel[];
  readonly samples: readonly CatalogSample[];
}

const ROOT = '/catalog/';

export const catalogUrl = (path: string): string => ROOT + path;
export const modelSize = (model: CatalogModel): number =>
  model.files.reduce((sum, file) => sum + file.size, 0);

let listing: Promise<Catalog> | null = null;

/** The server's list of models, asked for once; a failed attempt is not remembered. */
export function loadCatalog(): Promise<Catalog> {
  listing ??= fetchOk(catalogUrl('index.json'), 'The list of models')
    .then((response) => response.json() as Promise<Catalog>)
    .catch((error) => {
      listing = null;
      throw error;
    });
  return listing;
}

/** A response with status 200, or an error that says what could not be had and why. */
export async function fetchOk(url: string, what: string, signal?: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error(`${what} could not be loaded: the server does not answer.`);
  }
  if (!response.ok) {
    throw new Error(`${what} could not be loaded: the server answered ${response.status} for ${url}.`);
  }
  return response;
}

/** The verified bytes of a file. `onProgress` is told how many have come. */
export async function downloadFile(
  file: CatalogFile,
  signal: AbortSignal,
  onProgress: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetchOk(catalogUrl(file.url), file.title, signal);
  const bytes = new Uint8Array(file.size);
  let at = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
    if (at + part.value.length > file.size) {
      await reader?.cancel();
      throw new Error(`${file.title}: the server sent more than the ${file.size} bytes of its list.`);
    }
    bytes.set(part.value, at);
    at += part.value.length;
    onProgress(at);
  }
  if (at !== file.size)
    throw new Error(`${file.title}: ${at} of ${file.size} bytes arrived. Please try again.`);
  await verify(file, bytes);
  return bytes;
}

async function verify(file: CatalogFile, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  // Pages that are not served over HTTPS or from this machine have no WebCrypto.
  if (!globalThis.crypto?.subtle) return;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (hex !== file.sha256)
    throw new Error(`${file.title}: the bytes that arrived are not those of the list.`);
}
