/** @type {Record<string, { type: string, compress?: boolean }>} */
const BY_EXTENSION = {
  css: { type: 'text/css; charset=utf-8', compress: true },
  html: { type: 'text/html; charset=utf-8', compress: true },
  js: { type: 'text/javascript; charset=utf-8', compress: true },
  json: { type: 'application/json', compress: true },
  md: { type: 'text/markdown; charset=utf-8', compress: true },
  mjs: { type: 'text/javascript; charset=utf-8', compress: true },
  onnx: { type: 'application/octet-stream' },
  png: { type: 'image/png' },
  svg: { type: 'image/svg+xml', compress: true },
  txt: { type: 'text/plain; charset=utf-8', compress: true },
  wasm: { type: 'application/wasm', compress: true },
  wav: { type: 'audio/wav' },
  webp: { type: 'image/webp' },
};

/** @param {string} path */
function lookUp(path) {
  const dot = path.lastIndexOf('.');
  return BY_EXTENSION[path.slice(dot + 1).toLowerCase()];
}

/** @param {string} path */
export const mediaType = (path) => lookUp(path)?.type ?? 'application/octet-stream';

/** @param {string} path */
export const isCompressible = (path) => lookUp(path)?.compress === true;
