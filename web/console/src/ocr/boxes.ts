import { findRegions } from './components.js';
import type { Point, Quad } from './image.js';
import { corners, meanInside, minimumAreaRectangle, unclip } from './rectangle.js';

/** PaddleOCR's published parameters of the DB detector, but for the unclip ratio. */
export interface BoxOptions {
  /** A pixel is text above this probability. */
  readonly pixelThreshold: number;
  /** A box is kept from this mean probability on. */
  readonly boxThreshold: number;
  /** Published is 1.5, which cuts into last characters; 2 read most of turned, small and dense test pages right. */
  readonly unclipRatio: number;
  /** Boxes with a shorter side, in pixels of the probability map, are noise. */
  readonly smallestSide: number;
  readonly mostBoxes: number;
}

export const BOX_OPTIONS: BoxOptions = {
  pixelThreshold: 0.3,
  boxThreshold: 0.6,
  unclipRatio: 2,
  smallestSide: 3,
  mostBoxes: 1000,
};

export interface TextBox {
  /** In pixels of the picture, inside it. */
  readonly quad: Quad;
  readonly score: number;
}

/**
 * Boxes of text lines in a picture of `pictureWidth` x `pictureHeight` from the detector's probability map of `width` x `height`,
 * in no particular order.
 */
export function boxesFromMap(
  map: Float32Array,
  width: number,
  height: number,
  pictureWidth: number,
  pictureHeight: number,
  options: BoxOptions = BOX_OPTIONS,
): TextBox[] {
  const boxes: TextBox[] = [];
  const toPicture = ([x, y]: Point): Point => [
    Math.min(Math.max((x / width) * pictureWidth, 0), pictureWidth),
    Math.min(Math.max((y / height) * pictureHeight, 0), pictureHeight),
  ];
  for (const region of findRegions(map, width, height, options.pixelThreshold).slice(0, options.mostBoxes)) {
    const tight = minimumAreaRectangle(region.points);
    if (!tight || Math.min(tight.width, tight.height) < options.smallestSide) continue;
    const score = meanInside(map, width, height, corners(tight));
    if (score < options.boxThreshold) continue;
    const grown = unclip(tight, options.unclipRatio);
    if (Math.min(grown.width, grown.height) < options.smallestSide + 2) continue;
    const [a, b, c, d] = corners(grown);
    boxes.push({ quad: [toPicture(a), toPicture(b), toPicture(c), toPicture(d)], score });
  }
  return boxes;
}
