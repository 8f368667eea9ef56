/** Eight-bit RGBA, row by row, as a canvas gives it. Alpha is not looked at. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

export type Point = readonly [x: number, y: number];

/** Top left, top right, bottom right, bottom left as the text runs. */
export type Quad = readonly [Point, Point, Point, Point];

/** A picture of `width` x `height` filled with one colour. */
export function blankPicture(width: number, height: number, rgb: readonly [number, number, number]): Picture {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < data.length; i += 4) {
    data[i] = rgb[0];
    data[i + 1] = rgb[1];
    data[i + 2] = rgb[2];
    data[i + 3] = 255;
  }
  return { width, height, data };
}

/**
 * Writes `picture`, resized bilinearly with half-pixel centres to `width` x `height`, into `target` as planes blue, green, red of
 * `planeWidth` columns: `value * scale[c] + shift[c]`. Columns beyond `width` are left as they are.
 * The PaddleOCR models were trained on BGR.
 */
export function resizeToPlanes(
  picture: Picture,
  width: number,
  height: number,
  scale: readonly number[],
  shift: readonly number[],
  target: Float32Array,
  planeWidth = width,
): void {
  const { data } = picture;
  const columns = axisWeights(picture.width, width);
  const rows = axisWeights(picture.height, height);
  const plane = planeWidth * height;
  for (let y = 0; y < height; y++) {
    const upper = rows.low[y] * picture.width;
    const lower = rows.high[y] * picture.width;
    const fy = rows.fraction[y];
    for (let x = 0; x < width; x++) {
      const fx = columns.fraction[x];
      const a = (upper + columns.low[x]) * 4;
      const b = (upper + columns.high[x]) * 4;
      const c = (lower + columns.low[x]) * 4;
      const d = (lower + columns.high[x]) * 4;
      const at = y * planeWidth + x;
      for (let channel = 0; channel < 3; channel++) {
        const from = 2 - channel;
        const top = data[a + from] + (data[b + from] - data[a + from]) * fx;
        const bottom = data[c + from] + (data[d + from] - data[c + from]) * fx;
        target[channel * plane + at] = (top + (bottom - top) * fy) * scale[channel] + shift[channel];
      }
    }
  }
}

function axisWeights(from: number, to: number) {
  const low = new Int32Array(to);
  const high = new Int32Array(to);
  const fraction = new Float32Array(to);
  for (let i = 0; i < to; i++) {
    const at = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    low[i] = Math.floor(at);
    high[i] = Math.min(low[i] + 1, from - 1);
    fraction[i] = at - low[i];
  }
  return { low, high, fraction };
}
