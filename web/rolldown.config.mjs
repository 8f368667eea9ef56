// dist/: one script for the page and one for its workers, so that neither has to wait for a tree of modules. Names and
// lines stay, for the traces of errors; the pages' own bundlers make them smaller.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'rolldown';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig(
  ['index', 'worker'].map((name) => ({
    input: at(`../build/package/${name}.js`),
    platform: 'neutral',
    output: { file: at(`../dist/${name}.js`), format: 'es', minify: 'dce-only', comments: false },
  })),
);
