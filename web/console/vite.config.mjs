import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { precompress } from '../../server-stub/precompress.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

const outDir = at('../../build/console');

export default defineConfig({
  root: at('.'),
  resolve: { alias: { kinglet: process.env.CONSOLE_ENGINE ?? at('../../dist/index.js') } },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  plugins: [{ name: 'precompress', apply: 'build', closeBundle: () => precompress(outDir) }],
  build: {
    outDir,
    emptyOutDir: true,
    target: 'es2022',
    // The page's policy allows no inline script and no data: module.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
