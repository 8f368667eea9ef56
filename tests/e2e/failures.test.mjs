// What can go wrong on the way to the page is told in words, and the page stays usable.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { openConsole } from './browser.mjs';

const PATIENCE = 120_000;
/** @type {Awaited<ReturnType<typeof openConsole>>} */
let shell;
before(async () => {
  shell = await openConsole();
});
after(() => shell?.close());
beforeEach(async () => {
  await shell.page.unrouteAll();
  await shell.page.context().unrouteAll();
  await shell.open('');
});

/** @param {RegExp} pattern */
async function expectAlert(pattern) {
  const alert = shell.page.getByRole('alert');
  await alert.waitFor({ timeout: PATIENCE });
  assert.match(await alert.innerText(), pattern);
}

async function recover() {
  await shell.page.unrouteAll();
  await shell.page.context().unrouteAll();
  await shell.page.getByRole('button', { name: 'Try again' }).click();
  await shell.page.getByText('is ready').waitFor({ timeout: PATIENCE });
}

test('an HTML page in place of the engine', async () => {
  await shell.page
    .context()
    .route(/\.wasm$/, (route) =>
      route.fulfill({ contentType: 'text/html', body: '<!doctype html><p>Not found' }),
    );
  await shell.page.goto(`${shell.server.url}#/speech`);
  await shell.page.reload();
  await expectAlert(/wasm/i);
  await shell.screenshot('no-engine');
  await recover();
});

test('a model that is cut short', async () => {
  await shell.page.route('**/vad.onnx', (route) =>
    route.fulfill({ contentType: 'application/octet-stream', body: 'cut' }),
  );
  await shell.page.goto(`${shell.server.url}#/speech`);
  await expectAlert(/3 of 2327524 bytes arrived/);
  await recover();
});

test('a model with other bytes', async () => {
  await shell.page.route('**/vad.onnx', (route) =>
    route.fulfill({ contentType: 'application/octet-stream', body: Buffer.alloc(2327524, 7) }),
  );
  await shell.page.goto(`${shell.server.url}#/speech`);
  await expectAlert(/not those of the list/);
  await recover();
});

test('a model the server does not have', async () => {
  await shell.page.route('**/vad.onnx', (route) => route.fulfill({ status: 404, body: 'no' }));
  await shell.page.goto(`${shell.server.url}#/speech`);
  await expectAlert(/the server answered 404/);
  await recover();
});

test('no server', async () => {
  await shell.page.route('**/vad.onnx', (route) => route.abort());
  await shell.page.goto(`${shell.server.url}#/speech`);
  await expectAlert(/the server does not answer/);
  await recover();
});
