import { connect } from 'node:net';

/**
 * Sends bytes as they stand and reads until the connection closes: fetch() would normalise the address and add headers.
 * @param {number} port
 * @param {string} bytes
 * @param {number} patience milliseconds of silence after which we hang up and take what has come
 * @returns {Promise<{ status: number, headers: Record<string, string>, body: Buffer, raw: Buffer }>}
 */
export function sendRaw(port, bytes, patience = 5000) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    /** @type {Buffer[]} */
    const chunks = [];
    socket.setTimeout(patience, () => socket.destroy());
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(parse(Buffer.concat(chunks))));
    socket.write(Buffer.from(bytes, 'latin1'));
  });
}

/**
 * One request with its own connection.
 * @param {number} port
 * @param {string} target
 * @param {{ method?: string, headers?: Record<string, string> }} [options]
 */
export function request(port, target, { method = 'GET', headers = {} } = {}) {
  const lines = Object.entries({ host: '127.0.0.1', connection: 'close', ...headers }).map(
    ([k, v]) => `${k}: ${v}\r\n`,
  );
  return sendRaw(port, `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`);
}

/** @param {Buffer} raw */
function parse(raw) {
  const end = raw.indexOf('\r\n\r\n');
  if (end < 0) return { status: 0, headers: {}, body: Buffer.alloc(0), raw };
  const [first, ...lines] = raw.subarray(0, end).toString('latin1').split('\r\n');
  /** @type {Record<string, string>} */
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status: Number(first.split(' ')[1]), headers, body: raw.subarray(end + 4), raw };
}
