// build/console: the web console, built by Vite.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { run, step } from './log.mjs';
import { root } from './paths.mjs';
import { unlessFresh } from './stamp.mjs';

const inputs = ['web/console', 'web/src', 'build/wasm', 'server-stub/precompress.mjs', 'package-lock.json'];

export async function buildConsole() {
  if (!existsSync(join(root, 'web/console/index.html'))) return;
  await step('console (build/console/)', () =>
    unlessFresh('console', inputs, ['build/console/index.html'], async () => {
      const args = ['node_modules/vite/bin/vite.js', 'build', 'web/console', '--logLevel', 'warn'];
      await run(process.execPath, args, { cwd: root });
      await run(process.execPath, ['server-stub/precompress.mjs', 'build/console'], { cwd: root });
    }),
  );
}
