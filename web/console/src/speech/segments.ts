/** A stretch of time, in seconds. */
export interface Segment {
  readonly start: number;
  readonly end: number;
}

/** Silero's published parameters; seconds and probabilities. */
export interface SegmentOptions {
  readonly begin: number;
  readonly stop: number;
  readonly shortestSpeech: number;
  readonly shortestSilence: number;
  readonly margin: number;
}

export const SEGMENT_OPTIONS: SegmentOptions = {
  begin: 0.5,
  stop: 0.35,
  shortestSpeech: 0.25,
  shortestSilence: 0.1,
  margin: 0.03,
};

/**
 * Speech begins at a frame of at least `begin` and ends where the probability falls below `stop` and stays under `begin` for
 * `shortestSilence`; then short stretches are dropped and a margin is added that never makes two of them meet.
 * @param frameSeconds what one probability stands for
 * @param total length of the sound in seconds
 */
export function findSegments(
  probabilities: ArrayLike<number>,
  frameSeconds: number,
  total: number,
  options: SegmentOptions = SEGMENT_OPTIONS,
): Segment[] {
  const found: { start: number; end: number }[] = [];
  let start: number | null = null;
  let quietSince: number | null = null;
  for (let i = 0; i < probabilities.length; i++) {
    const p = probabilities[i];
    const time = i * frameSeconds;
    if (p >= options.begin) {
      quietSince = null;
      start ??= time;
    } else if (start !== null && (p < options.stop || quietSince !== null)) {
      quietSince ??= time;
      if (p >= options.stop || time - quietSince < options.shortestSilence) continue;
      found.push({ start, end: quietSince });
      start = null;
      quietSince = null;
    }
  }
  if (start !== null) found.push({ start, end: total });
  const long = found.filter(({ start, end }) => end - start > options.shortestSpeech);
  long.forEach((segment, i) => {
    const next = long[i + 1];
    const room = next ? Math.min(options.margin, (next.start - segment.end) / 2) : options.margin;
    if (i === 0) segment.start = Math.max(0, segment.start - options.margin);
    segment.end = Math.min(total, segment.end + room);
    if (next) next.start -= room;
  });
  return long;
}
