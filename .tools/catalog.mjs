// build/catalog: the models and samples that the server offers, filled from models/.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run, step } from './log.mjs';
import { root } from './paths.mjs';
import { unlessFresh } from './stamp.mjs';

export async function fillCatalog() {
  if (!existsSync(join(root, 'models/fill.mjs'))) return;
  await step('catalog of models (build/catalog/)', () =>
    unlessFresh('catalog', ['models', 'package-lock.json'], ['build/catalog/index.json'], async () => {
      // Recipes call Debian's python3; another one on PATH may lack its packages.
      const env = { ...process.env, PATH: `/usr/bin:${process.env.PATH}` };
      await run(process.execPath, ['models/fill.mjs', 'build/catalog'], { cwd: root, env });
    }),
  );
}
