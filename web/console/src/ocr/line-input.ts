import { type Picture, resizeToPlanes } from './image.js';

const SCALE = [1 / 127.5, 1 / 127.5, 1 / 127.5];
const SHIFT = [-1, -1, -1];

export const LINE_HEIGHT = 48;
const NARROWEST = 320;
const ORIENT_WIDTH = 192;

/** Columns the recogniser sees of a crop: height 48, width by its proportions, never less than 320 (the rest is padding). */
export function recogniseWidth(crop: Picture): number {
  return Math.max(NARROWEST, Math.ceil((LINE_HEIGHT * crop.width) / crop.height));
}

/** float32 [crops, 3, 48, width]: crops fitted to height 48, at most `width` wide, padded on the right with 0. */
export function makeLineInput(crops: readonly Picture[], width: number): Float32Array {
  const size = 3 * LINE_HEIGHT * width;
  const data = new Float32Array(crops.length * size);
  crops.forEach((crop, i) => {
    const fitted = Math.min(width, Math.max(1, Math.ceil((LINE_HEIGHT * crop.width) / crop.height)));
    resizeToPlanes(crop, fitted, LINE_HEIGHT, SCALE, SHIFT, data.subarray(i * size, (i + 1) * size), width);
  });
  return data;
}

/** float32 [crops, 3, 48, 192] for the orientation classifier. */
export const makeOrientInput = (crops: readonly Picture[]) => makeLineInput(crops, ORIENT_WIDTH);
export const orientDims = (count: number) => [count, 3, LINE_HEIGHT, ORIENT_WIDTH];
