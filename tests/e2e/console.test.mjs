import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { built, openConsole } from './browser.mjs';

const PATIENCE = 120_000;
/** @type {Awaited<ReturnType<typeof openConsole>>} */
let shell;
before(async () => {
  shell = await openConsole({
    args: [
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-audio-capture=${built('catalog/samples/speech.wav')}`,
    ],
    page: { permissions: ['clipboard-read', 'clipboard-write', 'microphone'] },
  });
});
after(() => shell?.close());

/** @param {string} path */
const readJson = async (path) => JSON.parse(await readFile(built(path), 'utf8'));

test('the page is isolated and lists the models of the server', async () => {
  const { page, open, screenshot, problems } = shell;
  await open('');
  await page.getByRole('heading', { name: 'Silero VAD 5' }).waitFor();
  assert.equal(await page.evaluate(() => crossOriginIsolated), true);
  const { models } = await readJson('catalog/index.json');
  assert.equal(await page.getByRole('article').count(), models.length);
  for (const model of models) {
    const card = page.getByRole('article', { name: model.title });
    assert.match(await card.innerText(), new RegExp(model.licence.spdx));
  }
  await screenshot('home');
  assert.deepEqual(problems, []);
});

test('an address that changes while the page is being drawn is followed', async () => {
  const page = await shell.page.context().newPage();
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (!document.querySelector('main')) return;
      observer.disconnect();
      location.hash = '#/speech';
    }).observe(document, { childList: true, subtree: true });
  });
  await page.goto(shell.server.url);
  await page.getByRole('heading', { level: 1, name: 'Find speech' }).waitFor({ timeout: PATIENCE });
  await page.close();
});

describe('reading a picture', () => {
  test('the sample: every character of the five lines', async () => {
    const { page, open, screenshot, problems } = shell;
    await open('#/ocr');
    await page.getByText('is ready').waitFor({ timeout: PATIENCE });
    await page.getByRole('button', { name: 'Use the sample' }).click();
    await page.getByRole('heading', { name: '5 lines' }).waitFor({ timeout: PATIENCE });
    const { lines } = await readJson('catalog/samples/page.json');
    assert.deepEqual(await page.locator('.lines .text').allInnerTexts(), lines);
    assert.equal(await page.locator('polygon.box').count(), 5);
    await page.getByRole('button', { name: /Regulus/ }).focus();
    assert.equal(await page.locator('polygon.active').count(), 1);
    await screenshot('ocr');
    await page.getByRole('button', { name: 'Copy text' }).click();
    await page.getByText('Copied').waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), lines.join('\n'));
    assert.deepEqual(problems, []);
  });

  test('a picture by the file button, by dropping and by pasting', async () => {
    const { page, problems } = shell;
    const picture = built('catalog/samples/page.png');
    await page.locator('input[type=file]').setInputFiles(picture);
    await page.getByText('page.png').waitFor();
    await page.getByRole('heading', { name: '5 lines' }).waitFor({ timeout: PATIENCE });
    const bytes = (await readFile(picture)).toString('base64');
    for (const kind of ['drop', 'paste']) {
      await page.evaluate(
        ([base64, type]) => {
          const data = new DataTransfer();
          data.items.add(
            new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], `${type}.png`, {
              type: 'image/png',
            }),
          );
          const event =
            type === 'drop'
              ? new DragEvent('drop', { dataTransfer: data, bubbles: true })
              : new ClipboardEvent('paste', { clipboardData: data, bubbles: true });
          document.querySelector('.drop')?.dispatchEvent(event);
        },
        [bytes, kind],
      );
      await page.getByText(`${kind}.png`).waitFor();
      await page.getByRole('heading', { name: '5 lines' }).waitFor({ timeout: PATIENCE });
    }
    assert.deepEqual(problems, []);
  });

  test('a file that is no picture is refused in words', async () => {
    const { page, problems } = shell;
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'x.png', mimeType: 'image/png', buffer: Buffer.from('no picture') });
    assert.match(await page.getByRole('alert').innerText(), /cannot read this file as a picture/);
    assert.deepEqual(problems, []);
  });

  test('a blank picture has no text', async () => {
    const { page, problems } = shell;
    await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(300, 200);
      canvas.getContext('2d')?.fillRect(0, 0, 1, 1);
      const file = new File([await canvas.convertToBlob()], 'blank.png', { type: 'image/png' });
      const data = new DataTransfer();
      data.items.add(file);
      dispatchEvent(new ClipboardEvent('paste', { clipboardData: data }));
    });
    await page.getByText('No text was found').waitFor({ timeout: PATIENCE });
    assert.deepEqual(problems, []);
  });
});

describe('finding speech', () => {
  /** @param {import('playwright-core').Page} page */
  const foundSegments = async (page) =>
    (await page.locator('.segments li').allInnerTexts()).map((text) =>
      text.split(' to ').map((time) => time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)),
    );

  test('the sample: each sentence, and neither the tone nor the hiss', async () => {
    const { page, open, screenshot, problems } = shell;
    await open('#/speech');
    await page.getByText('is ready').waitFor({ timeout: PATIENCE });
    await page.getByRole('button', { name: 'Use the sample' }).click();
    await page.getByText('times faster').waitFor({ timeout: PATIENCE });
    const { spans } = await readJson('catalog/samples/speech.json');
    const speech = spans.filter((/** @type {{ kind: string }} */ span) => span.kind === 'speech');
    const found = await foundSegments(page);
    for (const [start, end] of found) {
      const inside = speech.some(
        (/** @type {{ start: number, end: number }} */ s) => start > s.start - 0.4 && end < s.end + 0.4,
      );
      assert.ok(inside, `${start}-${end} is no speech`);
    }
    for (const { start, end } of speech) {
      const covered = found.reduce(
        (sum, [a, b]) => sum + Math.max(0, Math.min(b, end) - Math.max(a, start)),
        0,
      );
      assert.ok(covered > 0.85 * (end - start), `of ${start}-${end} only ${covered} s were found`);
    }
    await screenshot('speech');
    assert.deepEqual(problems, []);
  });

  test('the microphone (fed with the sample) shows speech while it lasts', async () => {
    const { page, screenshot, problems } = shell;
    await page.getByRole('button', { name: 'Use the microphone' }).click();
    await page.locator('.lamp.on').waitFor({ timeout: PATIENCE });
    await page.locator('.lamp:not(.on)').waitFor({ timeout: PATIENCE });
    await screenshot('microphone');
    await page.getByRole('button', { name: 'Stop listening' }).click();
    await page.getByText('times faster').waitFor();
    assert.ok((await foundSegments(page)).length >= 1);
    assert.deepEqual(problems, []);
  });

  test('what the engine made of the model can be read', async () => {
    const { page, problems } = shell;
    await page.getByText('Under the hood').click();
    await page.getByText('Graph and plan').click();
    assert.match((await page.locator('.engine pre').textContent()) ?? '', /LSTM/);
    assert.match((await page.locator('.engine').textContent()) ?? '', /Engine build: (simd|relaxed)/);
    assert.deepEqual(problems, []);
  });

  test('a file that is no sound is refused in words', async () => {
    const { page, problems } = shell;
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'x.mp3', mimeType: 'audio/mpeg', buffer: Buffer.from('no sound') });
    assert.match(await page.getByRole('alert').innerText(), /cannot read this file as a sound/);
    assert.deepEqual(problems, []);
  });
});

test('everything is reached by keyboard', async () => {
  const { page, open, problems } = shell;
  await open('#/ocr');
  await page.getByText('is ready').waitFor({ timeout: PATIENCE });
  const seen = [];
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab');
    seen.push(await page.evaluate(() => document.activeElement?.textContent?.trim() ?? ''));
  }
  for (const name of [
    'Skip to the content',
    'Models',
    'Read a picture',
    'Find speech',
    'Choose a picture',
    'Use the sample',
  ]) {
    assert.ok(seen.includes(name), `${name} is not among ${seen.join(' | ')}`);
  }
  assert.deepEqual(problems, []);
});
