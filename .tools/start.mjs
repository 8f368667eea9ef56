// npm start: from a fresh clone to the console on http://127.0.0.1:8080/. Arguments after -- go to the server (--port, --host).
import { spawn } from 'node:child_process';
import { installPackages } from './apt.mjs';
import { buildAll } from './build.mjs';
import { fillCatalog } from './catalog.mjs';
import { main } from './log.mjs';
import { installNodePackages } from './npm.mjs';
import { root } from './paths.mjs';

await main(async () => {
  await installPackages(['build', 'models']);
  await installNodePackages();
  await buildAll(['all']);
  await fillCatalog();
});

if (!process.exitCode) {
  const server = spawn(process.execPath, ['server-stub/main.mjs', ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
  });
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM']))
    process.on(signal, () => server.kill(signal));
  server.on('close', (code) => process.exit(code ?? 0));
}
