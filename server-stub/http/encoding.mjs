/**
 * The content coding to send (RFC 9110, section 12.5.3): highest weight, then the order of `available`, then identity.
 * @param {string | undefined} header the Accept-Encoding field; absent means identity, the safe reading for simple clients
 * @param {readonly string[]} available codings at hand, best first
 * @returns {string} one of `available` or 'identity'
 */
export function chooseEncoding(header, available) {
  if (header === undefined) return 'identity';
  /** @type {Map<string, number>} */
  const weights = new Map();
  for (const item of header.split(',')) {
    const [name, ...params] = item.split(';').map((part) => part.trim().toLowerCase());
    if (!name) continue;
    const q = params.find((param) => param.startsWith('q='));
    const weight = q === undefined ? 1 : Number(q.slice(2));
    weights.set(name === 'x-gzip' ? 'gzip' : name, weight >= 0 && weight <= 1 ? weight : 0);
  }
  const weightOf = (/** @type {string} */ name) => weights.get(name) ?? weights.get('*') ?? 0;
  let best = 'identity';
  let bestWeight = weights.get('identity') ?? 0;
  for (const name of available) {
    const weight = weightOf(name);
    if (weight > 0 && (weight > bestWeight || (weight === bestWeight && best === 'identity'))) {
      best = name;
      bestWeight = weight;
    }
  }
  return best;
}
