import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { decodeCtc, parseCharacters } from '../../web/console/src/ocr/ctc.js';
import { blankPicture } from '../../web/console/src/ocr/image.js';
import { OcrReader } from '../../web/console/src/ocr/reader.js';
import { CATALOG, loadSession, readJson, samplePage, Tensor, toPicture } from './judge.js';

const MODEL = 'pp-ocrv4/4.0.0';
const PAPER = '#faf8f2';
let reader: OcrReader;
let expected: string[];

before(async () => {
  const [detect, recognise, orient] = await Promise.all(
    ['detect', 'recognise', 'orient'].map((file) => loadSession(`${MODEL}/${file}.onnx`)),
  );
  const characters = parseCharacters(
    await readFile(join(CATALOG, 'models', MODEL, 'characters.txt'), 'utf8'),
  );
  assert.equal(characters.length, 6625);
  reader = new OcrReader({ detect, recognise, orient }, Tensor, characters);
  expected = (await readJson('samples/page.json')).lines;
});

const read = async (image: Sharp) =>
  (await reader.read(await toPicture(image))).lines.map((line) => line.text);

describe('the sample page, every character', () => {
  test('as it is', async () => assert.deepEqual(await read(samplePage()), expected));
  test('twice as large', async () => assert.deepEqual(await read(samplePage().resize(1920)), expected));
  test('lying on its side', async () => assert.deepEqual(await read(samplePage().rotate(90)), expected));
  test('turned by 12 degrees', async () =>
    assert.deepEqual(await read(samplePage().rotate(-12, { background: PAPER })), expected));
  test('standing on its head', async () => assert.deepEqual(await read(samplePage().rotate(180)), expected));
  test('half as large', async () => assert.deepEqual(await read(samplePage().resize(480)), expected));
  test('as a grey JPEG', async () => {
    const jpeg = await samplePage().greyscale().jpeg({ quality: 60 }).toBuffer();
    assert.deepEqual(await read(sharp(jpeg)), expected);
  });
});

test('one line cut out tightly is found in spite of its small picture', async () => {
  const lines = await read(samplePage().extract({ left: 60, top: 226, width: 760, height: 48 }));
  assert.deepEqual(lines, [expected[2]]);
});

test('the boxes lie around the ink', async () => {
  const { lines } = await reader.read(await toPicture(samplePage()));
  const [left, top, right, bottom] = [64, 224, 806, 274];
  const xs = lines[2].quad.map((p) => p[0]);
  const ys = lines[2].quad.map((p) => p[1]);
  assert.ok(Math.abs(Math.min(...xs) - left) < 14 && Math.abs(Math.max(...xs) - right) < 14, `${xs}`);
  assert.ok(Math.abs(Math.min(...ys) - top) < 14 && Math.abs(Math.max(...ys) - bottom) < 14, `${ys}`);
});

test('blank and tiny pictures hold no text', async () => {
  for (const [width, height] of [
    [400, 300],
    [1, 1],
    [3, 700],
  ]) {
    assert.deepEqual((await reader.read(blankPicture(width, height, [255, 255, 255]))).lines, []);
  }
});

test('an aborted reading ends with the abort reason', async () => {
  const picture = await toPicture(samplePage());
  await assert.rejects(reader.read(picture, { signal: AbortSignal.abort() }), { name: 'AbortError' });
});

test('CTC: repeats merge, blanks part them, pauses between Latin words become spaces', () => {
  const characters = ['', 'a', '中', ' '];
  const decode = (...steps: number[][]) =>
    decodeCtc(Float32Array.from(steps.flat()), steps.length, 4, characters).text;
  const [blank, pause, a, zhong, space] = [
    [1, 0, 0, 0],
    [0.9, 0, 0, 0.1],
    [0, 1, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1],
  ];
  assert.equal(decode(a, a, blank, a), 'aa');
  assert.equal(decode(a, pause, blank, a), 'a a');
  assert.equal(decode(a, pause, zhong, pause, zhong), 'a中中');
  assert.equal(decode(a, pause, space, pause, a), 'a a');
  assert.equal(decode(pause, space, a, pause), 'a');
  assert.equal(decode(blank, blank), '');
});
