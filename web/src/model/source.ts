import { type ErrorRecord, fromRecord, KingletError, toRecord } from '../errors.js';
import { hasSharedMemory } from '../host/features.js';
import { builtin } from '../host/node.js';

/** Where bytes come from. `posted` makes of each what can be posted to a worker. */
export type Source =
  | { readonly kind: 'url'; url: string }
  | { readonly kind: 'file'; path: string }
  | { readonly kind: 'blob'; blob: Blob }
  /** Bytes that may be read in place: the caller's own in this thread, or shared memory. */
  | { readonly kind: 'bytes'; bytes: Uint8Array }
  /** Bytes on their way to this thread, for the first who asks. */
  | { readonly kind: 'stream'; stream: Stream }
  /** Bytes that another thread hands over piece by piece; see `serve`. */
  | { readonly kind: 'port'; size: number | undefined; again: boolean; port: MessagePort };

/** Makes room for `bytes` bytes and returns how to fill it; a second call replaces the first. */
export type Allocate = (bytes: number) => (chunk: Uint8Array, at: number) => void;

/** Told how far one file is; `total` is undefined while unknown. */
export type FileProgress = (loaded: number, total: number | undefined) => void;

/** Bytes on their way. */
export interface Stream {
  size: number | undefined;
  chunks: AsyncIterable<Uint8Array>;
  /** Asks once more, without believing the announced size. */
  again?: () => Promise<Stream>;
}

const pieceBytes = 4 << 20;

/** A source that was asked for its bytes; `receive` takes them. Asking early hides the server's delay. */
export function request(source: Source, signal?: AbortSignal): Promise<Stream> {
  const stream = open(source, signal);
  // The failure is reported by `receive`.
  stream.catch(() => undefined);
  return stream;
}

/** Moves the bytes of `stream` straight to where `allocate` says. Fails with `fetch_failed` or the signal's reason. */
export async function receive(
  stream: Promise<Stream>,
  allocate: Allocate,
  progress: FileProgress,
  signal?: AbortSignal,
): Promise<void> {
  const { size, chunks, again } = await stream;
  const early: Uint8Array[] = [];
  const write = size === undefined ? undefined : allocate(size);
  let loaded = 0;
  progress(0, size);
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    if (loaded === 0) refuseText(chunk);
    if (size !== undefined && loaded + chunk.length > size) {
      if (again) return receive(again(), allocate, progress, signal);
      throw ended(loaded + chunk.length, size);
    }
    if (write) write(chunk, loaded);
    else early.push(chunk);
    loaded += chunk.length;
    progress(loaded, size);
  }
  if (size !== undefined && loaded !== size) throw ended(loaded, size);
  if (write) return;
  const late = allocate(loaded);
  let at = 0;
  for (let chunk = early.shift(); chunk; chunk = early.shift()) {
    late(chunk, at);
    at += chunk.length;
  }
  progress(loaded, loaded);
}

/** `source` brought into this thread if it has at most `limit` bytes, without the bytes of larger ones. */
export async function bring(source: Source, limit: number, signal?: AbortSignal): Promise<Source> {
  if (source.kind === 'bytes') {
    return source.bytes.length <= limit ? { kind: 'bytes', bytes: source.bytes.slice() } : source;
  }
  if (source.kind === 'blob' && source.blob.size > limit) return source;
  const stream = await open(source, signal);
  const { size, chunks, again } = stream;
  if (size !== undefined && size > limit) return { kind: 'stream', stream };
  const early: Uint8Array[] = [];
  const late = chunks[Symbol.asyncIterator]();
  let loaded = 0;
  while (loaded <= limit) {
    const { done, value } = await late.next();
    if (!done) {
      early.push(value);
      loaded += value.length;
      continue;
    }
    if (size !== undefined && loaded !== size && !again) throw ended(loaded, size);
    const bytes = new Uint8Array(loaded);
    for (let at = 0, chunk = early.shift(); chunk; at += chunk.length, chunk = early.shift())
      bytes.set(chunk, at);
    return { kind: 'bytes', bytes };
  }
  return { kind: 'stream', stream: { ...stream, chunks: resumed(early, late) } };
}

async function* resumed(early: Uint8Array[], late: AsyncIterator<Uint8Array>) {
  yield* early;
  for (;;) {
    const { done, value } = await late.next();
    if (done) return;
    yield value;
  }
}

/** A source in the form that can be posted, with what it needs to be transferred; bytes follow piece by piece. */
export function posted(source: Source, transfer: Transferable[]): Source {
  const { kind } = source;
  if (kind !== 'bytes' && kind !== 'stream') return source;
  if (kind === 'bytes' && hasSharedMemory() && source.bytes.buffer instanceof SharedArrayBuffer)
    return source;
  const stream: Stream =
    kind === 'stream' ? source.stream : { size: source.bytes.length, chunks: copies(source.bytes) };
  const { port1, port2 } = new MessageChannel();
  serve(stream, port1);
  transfer.push(port2);
  return { kind: 'port', size: stream.size, again: stream.again !== undefined, port: port2 };
}

/** Serves a stream to the source `{kind: 'port'}` at the other end of `port`: a chunk per request, null at the end. */
function serve({ chunks, again }: Stream, port: MessagePort): void {
  let iterator = chunks[Symbol.asyncIterator]();
  port.onmessage = async ({ data }: MessageEvent<Request>) => {
    try {
      if (data === 'again' && again) iterator = (await again()).chunks[Symbol.asyncIterator]();
      const { done, value } = await iterator.next();
      if (!done) return port.postMessage(value, [value.buffer as ArrayBuffer]);
      port.postMessage(null);
    } catch (error) {
      port.postMessage(toRecord(error));
    }
    port.close();
  };
}

/** The next chunk, or the first of a stream that is asked for once more. */
type Request = 'next' | 'again';

async function open(source: Source, signal?: AbortSignal): Promise<Stream> {
  switch (source.kind) {
    case 'url':
      return openUrl(source.url, signal, true);
    case 'file':
      return openFile(source.path);
    case 'blob':
      return { size: source.blob.size, chunks: readable(source.blob.stream()) };
    case 'bytes':
      return { size: source.bytes.length, chunks: pieces(source.bytes) };
    case 'stream':
      return source.stream;
    case 'port': {
      const { size, port } = source;
      const again = async () => ({ size: undefined, chunks: fromPort(port, 'again') });
      return { size, chunks: fromPort(port, 'next'), ...(source.again && { again }) };
    }
  }
}

async function openUrl(url: string, signal: AbortSignal | undefined, trustLength: boolean): Promise<Stream> {
  const context = { url };
  let response: Response;
  try {
    response = await fetch(url, signal ? { signal } : {});
  } catch (cause) {
    signal?.throwIfAborted();
    throw new KingletError('fetch_failed', `${url}: the request failed`, { context, cause });
  }
  if (!response.ok) {
    const status = String(response.status);
    throw new KingletError('fetch_failed', `${url}: the server answered with status ${status}`, {
      context: { url, status },
    });
  }
  // The length of an encoded body is not the length of what comes out; other origins hide that it is encoded.
  const encoded = !trustLength || response.headers.get('content-encoding');
  const length = encoded ? null : response.headers.get('content-length');
  const again = length !== null && response.type === 'cors' ? () => openUrl(url, signal, false) : undefined;
  const chunks = response.body
    ? readable(response.body)
    : pieces(new Uint8Array(await response.arrayBuffer()));
  const size = length === null ? undefined : Number(length);
  return { size, chunks: explained(chunks, url, 'the connection broke', signal), ...(again && { again }) };
}

/** Failures in the middle of a download or file, in our words. */
async function* explained(
  chunks: AsyncIterable<Uint8Array>,
  url: string,
  what: string,
  signal?: AbortSignal,
) {
  try {
    yield* chunks;
  } catch (cause) {
    signal?.throwIfAborted();
    throw new KingletError('fetch_failed', `${url}: ${what}`, { context: { url }, cause });
  }
}

async function openFile(path: string): Promise<Stream> {
  const { open: openPath } = builtin('node:fs/promises');
  try {
    const file = await openPath(path.startsWith('file:') ? new URL(path) : path);
    const { size } = await file.stat();
    return { size, chunks: explained(fileChunks(file), path, 'it cannot be read; is it a file?') };
  } catch (cause) {
    const why = (cause as Error).message;
    throw new KingletError('fetch_failed', `${path}: ${why}`, { context: { url: path }, cause });
  }
}

async function* fileChunks(
  file: Awaited<ReturnType<ReturnType<typeof builtin<'node:fs/promises'>>['open']>>,
) {
  const buffer = new Uint8Array(pieceBytes);
  try {
    for (let at = 0; ; ) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function* pieces(bytes: Uint8Array) {
  if (bytes.length > 0) yield bytes;
}

/**
 * A stream's chunks; not every engine can iterate a stream. The reader is taken at once: Node cancels a body that
 * nobody reads when its Response is collected.
 */
function readable(stream: ReadableStream<Uint8Array>): AsyncIterable<Uint8Array> {
  return chunksOf(stream.getReader());
}

async function* chunksOf(reader: ReadableStreamDefaultReader<Uint8Array>) {
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function* copies(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.slice(at, at + pieceBytes);
}

async function* fromPort(port: MessagePort, first: Request) {
  for (let ask = first; ; ask = 'next') {
    const answer = await new Promise<Uint8Array | ErrorRecord | null>((resolve) => {
      port.onmessage = ({ data }: MessageEvent<Uint8Array | ErrorRecord | null>) => resolve(data);
      port.postMessage(ask);
    });
    if (answer === null) return;
    if (!(answer instanceof Uint8Array)) throw fromRecord(answer);
    yield answer;
  }
}

/** What servers and checkouts send in place of a model. */
function refuseText(chunk: Uint8Array): void {
  const start = new TextDecoder().decode(chunk.subarray(0, 64)).trimStart().toLowerCase();
  if (start.startsWith('<!doctype') || start.startsWith('<html')) {
    throw new KingletError('fetch_failed', 'a web page came in place of the model', {
      context: { hint: 'check the URL: servers often answer unknown paths with their start page' },
    });
  }
  if (start.startsWith('version https://git-lfs')) {
    throw new KingletError('fetch_failed', 'a Git LFS pointer came in place of the model', {
      context: { hint: 'fetch the file itself with git lfs pull' },
    });
  }
}

function ended(loaded: number, size: number): KingletError {
  return new KingletError('fetch_failed', `${loaded} bytes came, ${size} were announced`);
}
