import { evaluatePreconditions, rangeApplies } from './http/conditional.mjs';
import { chooseEncoding } from './http/encoding.mjs';
import { POLICY_HEADERS } from './http/policy.mjs';
import { parseRange } from './http/range.mjs';

/**
 * @typedef {import('./site.mjs').Site} Site
 * @typedef {import('./site.mjs').Blob} Blob
 * @typedef {{ method: string, target: string, headers: Record<string, string | undefined> }} Request
 *   `target` is the request target as it stood on the wire, `headers` have lower-case names
 * @typedef {{ blob: Blob, start: number, end: number }} Slice `end` is exclusive
 * @typedef {{ status: number, headers: Record<string, string>, body: string | Slice | null }} Response
 *   `body` is null for HEAD and for answers that have none
 */

/**
 * The catalog server without a socket: a request names an entry of `site` or nothing.
 * @param {Site} site
 * @returns {(request: Request) => Response}
 */
export function createApp(site) {
  return (request) => {
    const { method, headers } = request;
    if (method !== 'GET' && method !== 'HEAD') {
      return plain(method, 405, 'This server only answers GET and HEAD.', { allow: 'GET, HEAD' });
    }
    const path = decodePath(request.target);
    if (path === null) return plain(method, 400, 'The address is malformed.');
    const entry = site.get(path);
    if (entry === undefined) return plain(method, 404, 'There is nothing at this address.');

    const encoding = chooseEncoding(
      headers['accept-encoding'],
      entry.variants.map((variant) => variant.encoding),
    );
    const variant = entry.variants.find((candidate) => candidate.encoding === encoding);
    const blob = variant?.blob ?? entry.blob;
    /** @type {Record<string, string>} */
    const common = { ...POLICY_HEADERS, etag: blob.etag, 'cache-control': entry.cacheControl };
    if (entry.variants.length > 0) common.vary = 'Accept-Encoding';

    const verdict = evaluatePreconditions(headers, blob.etag);
    if (verdict === 412) return plain(method, 412, 'The file is not the one you asked for.', common);
    if (verdict === 304) return { status: 304, headers: common, body: null };

    common['content-type'] = entry.type;
    if (variant) {
      common['content-encoding'] = variant.encoding;
      return whole(method, common, blob);
    }
    common['accept-ranges'] = 'bytes';
    if (method === 'GET' && rangeApplies(headers['if-range'], blob.etag)) {
      const range = parseRange(headers.range, blob.size);
      if (range.kind === 'unsatisfiable') {
        const extra = { ...common, 'content-range': `bytes */${blob.size}` };
        return plain(method, 416, 'The file has no such bytes.', extra);
      }
      if (range.kind === 'range') {
        common['content-range'] = `bytes ${range.start}-${range.end}/${blob.size}`;
        common['content-length'] = String(range.end - range.start + 1);
        return { status: 206, headers: common, body: { blob, start: range.start, end: range.end + 1 } };
      }
    }
    return whole(method, common, blob);
  };
}

/**
 * @param {string} method
 * @param {Record<string, string>} headers
 * @param {Blob} blob
 * @returns {Response}
 */
function whole(method, headers, blob) {
  headers['content-length'] = String(blob.size);
  const body = method === 'HEAD' ? null : { blob, start: 0, end: blob.size };
  return { status: 200, headers, body };
}

/**
 * A short answer in words.
 * @param {string} method
 * @param {number} status
 * @param {string} text
 * @param {Record<string, string>} extra
 * @returns {Response}
 */
export function plain(method, status, text, extra = {}) {
  const body = `${text}\n`;
  const headers = {
    ...POLICY_HEADERS,
    'cache-control': 'no-store',
    ...extra,
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
  };
  return { status, headers, body: method === 'HEAD' ? null : body };
}

/**
 * The decoded path of an origin-form or absolute-form request target; null when it is neither.
 * Decoding is harmless here: the result is only ever compared with known names.
 * @param {string} target
 */
function decodePath(target) {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  if (!path.startsWith('/')) return path === '' && target !== '' && !target.startsWith('?') ? '/' : null;
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}
