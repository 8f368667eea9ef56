/**
 * One satisfiable byte range of a representation of `size` bytes (RFC 9110, section 14).
 * @typedef {{ kind: 'none' } | { kind: 'range', start: number, end: number } | { kind: 'unsatisfiable' }} RangeResult
 *   `end` is inclusive.
 */

const FIRST_LAST = /^(\d+)-(\d*)$/;
const SUFFIX = /^-(\d+)$/;

/**
 * `none` means: send the whole representation. That is the answer to no header, to a unit other than bytes, and to several
 * satisfiable ranges (we never send multipart). A malformed set is refused as unsatisfiable, as nginx does.
 * @param {string | undefined} header the Range field
 * @param {number} size
 * @returns {RangeResult}
 */
export function parseRange(header, size) {
  if (header === undefined) return { kind: 'none' };
  const equals = header.indexOf('=');
  if (equals < 0 || header.slice(0, equals).trim().toLowerCase() !== 'bytes') return { kind: 'none' };
  const specs = header
    .slice(equals + 1)
    .split(',')
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '');
  if (specs.length === 0) return { kind: 'unsatisfiable' };

  const satisfiable = [];
  for (const spec of specs) {
    const range = parseSpec(spec, size);
    if (range === 'malformed') return { kind: 'unsatisfiable' };
    if (range !== 'beyond') satisfiable.push(range);
  }
  if (satisfiable.length === 0) return { kind: 'unsatisfiable' };
  if (satisfiable.length > 1) return { kind: 'none' };
  return { kind: 'range', start: satisfiable[0].start, end: satisfiable[0].end };
}

/**
 * @param {string} spec
 * @param {number} size
 * @returns {{ start: number, end: number } | 'malformed' | 'beyond'}
 */
function parseSpec(spec, size) {
  const suffix = SUFFIX.exec(spec);
  if (suffix) {
    const length = Math.min(Number(suffix[1]), size);
    return length === 0 ? 'beyond' : { start: size - length, end: size - 1 };
  }
  const pair = FIRST_LAST.exec(spec);
  if (!pair) return 'malformed';
  const start = Number(pair[1]);
  const last = pair[2] === '' ? Number.POSITIVE_INFINITY : Number(pair[2]);
  if (last < start) return 'malformed';
  return start >= size ? 'beyond' : { start, end: Math.min(last, size - 1) };
}
