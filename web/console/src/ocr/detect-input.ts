import { type Picture, resizeToPlanes } from './image.js';

const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];
const SCALE = STD.map((std) => 1 / (255 * std));
const SHIFT = MEAN.map((mean, c) => -mean / STD[c]);
const MULTIPLE = 32;

export interface DetectInput {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Width and height for the detector: longest side at most `longest`, both multiples of 32. */
export function detectSize(
  width: number,
  height: number,
  longest: number,
): { width: number; height: number } {
  const ratio = Math.min(1, longest / Math.max(width, height));
  const fit = (side: number) => Math.max(Math.round((side * ratio) / MULTIPLE) * MULTIPLE, MULTIPLE);
  return { width: fit(width), height: fit(height) };
}

/** float32 [1, 3, height, width], normalised as the detector was trained. */
export function makeDetectInput(picture: Picture, longest: number): DetectInput {
  const { width, height } = detectSize(picture.width, picture.height, longest);
  const data = new Float32Array(3 * width * height);
  resizeToPlanes(picture, width, height, SCALE, SHIFT, data);
  return { data, width, height };
}
