import { runSingle, type SessionLike, type TensorConstructor } from '../lib/engine.js';
import { boxesFromMap } from './boxes.js';
import { decodeCtc, type Reading } from './ctc.js';
import { makeDetectInput } from './detect-input.js';
import { blankPicture, type Picture, type Point, type Quad } from './image.js';
import { LINE_HEIGHT, makeLineInput, makeOrientInput, orientDims, recogniseWidth } from './line-input.js';
import { sortByReadingOrder } from './order.js';
import { cropQuad, quadSize, rotateQuad, turnAround } from './warp.js';

export interface OcrSessions {
  readonly detect: SessionLike;
  readonly recognise: SessionLike;
  /** Without it, lines that stand upside down are not turned. */
  readonly orient?: SessionLike;
}

export interface TextLine {
  readonly text: string;
  readonly confidence: number;
  /** In pixels of the picture; the first corner is where the upper edge of the text begins, whichever way it stands. */
  readonly quad: Quad;
}

export const STAGES = ['prepare', 'detect', 'boxes', 'crop', 'orient', 'recognise'] as const;
export type Stage = (typeof STAGES)[number];

export interface OcrResult {
  readonly lines: TextLine[];
  /** Milliseconds per stage. */
  readonly times: Record<Stage, number>;
}

export interface ReadOptions {
  /** Longest side the detector sees. */
  readonly longest?: number;
  /** Lines read with less confidence are dropped. */
  readonly leastConfidence?: number;
  readonly signal?: AbortSignal;
  /** Told the stage that begins and how many lines of how many are done. */
  readonly onProgress?: (stage: Stage, done: number, total: number) => void;
}

type Timed = <T>(stage: Stage, work: () => T | Promise<T>) => Promise<T>;

/** PaddleOCR takes a box for vertical from this ratio of height to width on. */
const TALL = 1.5;
/** PaddleOCR turns a line when the classifier is at least this sure. */
const TURN_CONFIDENCE = 0.9;
/** A picture whose sides are shorter gets a margin: text that touches the border is found badly. */
const NEEDS_MARGIN_BELOW = 128;
const MARGIN = 32;

/** Finds and reads the lines of text in a picture. The sessions and the tensor class belong to the caller. */
export class OcrReader {
  private readonly sessions: OcrSessions;
  private readonly Tensor: TensorConstructor;
  private readonly characters: readonly string[];

  /** @param characters class -> character, as `parseCharacters` gives them */
  constructor(sessions: OcrSessions, Tensor: TensorConstructor, characters: readonly string[]) {
    this.sessions = sessions;
    this.Tensor = Tensor;
    this.characters = characters;
  }

  async read(picture: Picture, options: ReadOptions = {}): Promise<OcrResult> {
    const { longest = 960, leastConfidence = 0.5, signal, onProgress } = options;
    const times = Object.fromEntries(STAGES.map((stage) => [stage, 0])) as Record<Stage, number>;
    const timed: Timed = async (stage, work) => {
      const from = performance.now();
      const result = await work();
      times[stage] += performance.now() - from;
      signal?.throwIfAborted();
      return result;
    };

    onProgress?.('detect', 0, 1);
    const { framed, margin } = await timed('prepare', () => addMargin(picture));
    const input = await timed('prepare', () => makeDetectInput(framed, longest));
    const found = await timed('detect', () =>
      runSingle(this.sessions.detect, this.Tensor, input.data, [1, 3, input.height, input.width]),
    );
    const boxes = await timed('boxes', () =>
      boxesFromMap(found.data, input.width, input.height, framed.width, framed.height),
    );

    const lines: TextLine[] = [];
    for (const [index, box] of boxes.entries()) {
      onProgress?.('recognise', index, boxes.length);
      const line = await this.readLine(framed, box.quad, timed);
      if (line && line.text !== '' && line.confidence >= leastConfidence) {
        lines.push({ ...line, quad: shift(line.quad, -margin, picture) });
      }
    }
    onProgress?.('recognise', boxes.length, boxes.length);
    return { lines: sortByReadingOrder(lines), times };
  }

  private async readLine(picture: Picture, box: Quad, timed: Timed): Promise<TextLine | null> {
    const size = quadSize(box);
    // Text in a tall box runs downwards, or upwards if the classifier says so: what is its right edge becomes the top.
    const quad = size.height >= size.width * TALL ? rotateQuad(box, 1) : box;
    const upright = await timed('crop', () => cropQuad(picture, quad));
    if (!upright) return null;
    const turn = await timed('orient', () => this.isUpsideDown(upright));
    const readings = [{ quad, ...(await this.readCrop(upright, timed)) }];
    if (turn) {
      // The classifier is wrong about some upright lines: both ways are read and the surer one counts.
      readings.unshift({ quad: rotateQuad(quad, 2), ...(await this.readCrop(turnAround(upright), timed)) });
    }
    return readings.reduce((best, reading) => (reading.confidence > best.confidence ? reading : best));
  }

  private async readCrop(crop: Picture, timed: Timed): Promise<Reading> {
    const width = recogniseWidth(crop);
    const input = await timed('crop', () => makeLineInput([crop], width));
    const result = await timed('recognise', () =>
      runSingle(this.sessions.recognise, this.Tensor, input, [1, 3, LINE_HEIGHT, width]),
    );
    const [, steps, classes] = result.dims;
    if (classes !== this.characters.length) {
      throw new Error(
        `The recogniser knows ${classes} characters, the character list ${this.characters.length}.`,
      );
    }
    return timed('recognise', () => decodeCtc(result.data, steps, classes, this.characters));
  }

  private async isUpsideDown(crop: Picture): Promise<boolean> {
    if (!this.sessions.orient) return false;
    const result = await runSingle(this.sessions.orient, this.Tensor, makeOrientInput([crop]), orientDims(1));
    return result.data[1] > result.data[0] && result.data[1] > TURN_CONFIDENCE;
  }
}

/** A frame in the picture's own border colour around small pictures; `margin` is its width in pixels. */
function addMargin(picture: Picture): { framed: Picture; margin: number } {
  if (Math.min(picture.width, picture.height) >= NEEDS_MARGIN_BELOW) return { framed: picture, margin: 0 };
  const [red, green, blue] = picture.data;
  const framed = blankPicture(picture.width + 2 * MARGIN, picture.height + 2 * MARGIN, [red, green, blue]);
  for (let y = 0; y < picture.height; y++) {
    const row = picture.data.subarray(y * picture.width * 4, (y + 1) * picture.width * 4);
    framed.data.set(row, ((y + MARGIN) * framed.width + MARGIN) * 4);
  }
  return { framed, margin: MARGIN };
}

function shift(quad: Quad, by: number, { width, height }: Picture): Quad {
  const move = ([x, y]: Point): Point => [
    Math.min(Math.max(x + by, 0), width),
    Math.min(Math.max(y + by, 0), height),
  ];
  return [move(quad[0]), move(quad[1]), move(quad[2]), move(quad[3])];
}
