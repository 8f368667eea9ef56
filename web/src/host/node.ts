// Node's own modules, reached so that no bundler sees an import.

type FileHandle = {
  stat(): Promise<{ size: number }>;
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  close(): Promise<void>;
};
type Modules = {
  'node:fs/promises': {
    open(path: string | URL): Promise<FileHandle>;
    readFile(path: string | URL): Promise<Uint8Array<ArrayBuffer>>;
  };
  'node:module': { createRequire(from: string): (name: string) => unknown };
  'node:os': { availableParallelism(): number };
  'node:worker_threads': {
    Worker: new (url: URL, options: { execArgv: string[] }) => NodeWorker;
    parentPort: NodePort | null;
  };
};

/** One end of a worker_threads channel. */
export interface NodePort {
  postMessage(message: unknown, transfer?: readonly unknown[]): void;
  on(event: string, listener: (value: never) => void): void;
}

export interface NodeWorker extends NodePort {
  terminate(): Promise<number>;
  unref(): void;
  ref(): void;
}

/** A thread that runs a script of the package. The program's own flags, such as --input-type, are not for it. */
export function startNodeWorker(url: URL): NodeWorker {
  return new (builtin('node:worker_threads').Worker)(url, { execArgv: [] });
}

/** One of Node's modules. Only where `isNode()`. */
export function builtin<Name extends keyof Modules>(name: Name): Modules[Name] {
  const { process } = globalThis as unknown as { process: { getBuiltinModule(name: string): unknown } };
  return process.getBuiltinModule(name) as Modules[Name];
}

/** What is used here of sharp, which decodes pictures. */
export interface Sharp {
  (encoded: Uint8Array, options: object): SharpPipeline;
  format: Record<string, { input: { buffer: boolean } } | undefined>;
}

export interface SharpPipeline {
  toColourspace(space: string): SharpPipeline;
  raw(options: { depth: string }): SharpPipeline;
  toBuffer(options: {
    resolveWithObject: true;
  }): Promise<{ data: Uint8Array; info: { width: number; height: number; channels: number } }>;
}

/** sharp as the program has it; throws when it has none. */
export function sharp(): Sharp {
  return builtin('node:module').createRequire(import.meta.url)('sharp') as Sharp;
}
