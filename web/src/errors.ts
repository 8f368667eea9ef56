import { errorCodes } from './abi/lists.js';

/** Every code a `KingletError` can have. */
export type ErrorCode = keyof typeof errorCodes;

/** Facts about a failure, such as `node`, `op`, `opset`, `dtype`, `shape`, `expected`, `input`, `url`, `hint`. */
export type ErrorContext = Readonly<Record<string, string>>;

/** A `KingletError` as it travels between threads. */
export interface ErrorRecord {
  code: ErrorCode;
  detail: string;
  message: string;
  context: ErrorContext;
}

/** What every failure of Kinglet is, except wrong argument types (`TypeError`) and aborts (the signal's reason). */
export class KingletError extends Error {
  /** What went wrong, for programs. */
  readonly code: ErrorCode;
  /** What went wrong here, in words, without the code's general meaning. */
  readonly detail: string;
  /** Facts about the place and cause. */
  readonly context: ErrorContext;

  constructor(
    code: ErrorCode,
    detail: string,
    options: { message?: string; context?: ErrorContext; cause?: unknown } = {},
  ) {
    const message = options.message ?? `${errorCodes[code].meaning}: ${detail}`;
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KingletError';
    this.code = code;
    this.detail = detail;
    this.context = options.context ?? {};
  }

  /** Who can act on it: `publisher` of the model, `developer` of the page, `user`, or `kinglet`. */
  get fixer(): (typeof errorCodes)[ErrorCode]['fixer'] {
    return errorCodes[this.code].fixer;
  }
}

/** The error as a record; what is not a KingletError becomes `internal`. */
export function toRecord(error: unknown): ErrorRecord {
  if (error instanceof KingletError) {
    const { code, detail, message, context } = error;
    return { code, detail, message, context };
  }
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { code: 'internal', detail, message: `${errorCodes.internal.meaning}: ${detail}`, context: {} };
}

/** The error that `toRecord` was given. */
export function fromRecord({ code, detail, message, context }: ErrorRecord): KingletError {
  return new KingletError(code, detail, { message, context });
}
