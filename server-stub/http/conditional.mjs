// Preconditions of RFC 9110, section 13, for representations that have a strong entity tag and no modification date.

const ENTITY_TAG = /^[ \t]*(W\/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?:,|$)/;

/**
 * @param {string} list an If-Match or If-None-Match field other than `*`
 * @returns {{ weak: boolean, tag: string }[]} the tags up to the first malformed one
 */
function parseTags(list) {
  const tags = [];
  let rest = list;
  for (let match = ENTITY_TAG.exec(rest); match; match = ENTITY_TAG.exec(rest)) {
    tags.push({ weak: match[1] !== undefined, tag: match[2] });
    rest = rest.slice(match[0].length);
    if (rest === '') break;
  }
  return tags;
}

/**
 * @param {Record<string, string | undefined>} headers lower-case names
 * @param {string} etag strong tag of the selected representation
 * @returns {200 | 304 | 412}
 */
export function evaluatePreconditions(headers, etag) {
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined && ifMatch.trim() !== '*') {
    if (!parseTags(ifMatch).some((t) => !t.weak && t.tag === etag)) return 412;
  }
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch.trim() === '*' || parseTags(ifNoneMatch).some((t) => t.tag === etag)) return 304;
  }
  return 200;
}

/**
 * Whether a Range field counts. A date or a weak tag in If-Range never does: only the very same bytes may be continued.
 * @param {string | undefined} ifRange
 * @param {string} etag
 */
export function rangeApplies(ifRange, etag) {
  return ifRange === undefined || ifRange.trim() === etag;
}
