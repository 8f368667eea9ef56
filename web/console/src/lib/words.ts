const UNITS = ['bytes', 'kB', 'MB', 'GB'];

/** 4745517 -> "4.7 MB" */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${UNITS[unit]}`;
}

/** 4.23 -> "4.2 ms", 812.4 -> "812 ms", 16938 -> "16.9 s" */
export function formatMilliseconds(milliseconds: number): string {
  if (milliseconds >= 10_000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return milliseconds < 10 ? `${milliseconds.toFixed(1)} ms` : `${Math.round(milliseconds)} ms`;
}

/** 63.4 -> "1:03.4" */
export function formatTime(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  const minutes = Math.floor(tenths / 600);
  return `${minutes}:${((tenths % 600) / 10).toFixed(1).padStart(4, '0')}`;
}

/** An error as a sentence for the person in front of the page; the engine's code follows when it has one. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'NotAllowedError') return 'The browser was not allowed to use the microphone.';
  if (error.name === 'NotFoundError') return 'The browser found no microphone.';
  if (error.name === 'QuotaExceededError') return 'There is not enough room on this device.';
  const code = (error as { code?: unknown }).code;
  const message = error.message || error.name;
  return typeof code === 'string' && !message.includes(code) ? `${message} (${code})` : message;
}

export const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';
