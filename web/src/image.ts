// Pictures to tensors and back: Tensor.fromImage, toImageData, toDataURL.
import type { Tensor } from './tensor.js';

/** Order of a picture's channels. */
export type ImageFormat = 'RGB' | 'RGBA' | 'BGR' | 'RBG';

/** What `Tensor.fromImage` takes; a string is a URL. */
export type ImageSource =
  | string
  | ImageData
  | ImageBitmap
  | HTMLImageElement
  | HTMLCanvasElement
  | HTMLVideoElement
  | OffscreenCanvas;

/** One number for every channel, or one each. */
type PerChannel = number | readonly number[];

/** How pixel values become tensor values. */
export interface Normalization {
  /** Divides: default 255 for `float32`, 1 for `uint8`. */
  mean?: PerChannel;
  /** Is added first: default 0. */
  bias?: PerChannel;
}

export interface TensorFromImageOptions {
  /** Pixels of the tensor; the picture is resized. Default: the picture's own. */
  resizedWidth?: number;
  resizedHeight?: number;
  /** Channels of the tensor, default `RGB`. */
  tensorFormat?: ImageFormat;
  /** Default `NCHW`. */
  tensorLayout?: 'NCHW' | 'NHWC';
  /** Default `float32`. */
  dataType?: 'float32' | 'uint8';
  norm?: Normalization;
}

export interface TensorToImageOptions {
  /** Channels of the tensor, default `RGB`. */
  format?: ImageFormat;
  /** Default `NCHW`. */
  tensorLayout?: 'NCHW' | 'NHWC';
  /** Pixel = (value - bias) * mean; default mean 255, bias 0. */
  norm?: Normalization;
}

/** What a tensor is made of. */
export interface TensorParts {
  type: 'float32' | 'uint8';
  data: Float32Array | Uint8Array;
  dims: [number, number, number, number];
}

type Pixels = Pick<ImageData, 'data' | 'width' | 'height'>;
type Canvas = HTMLCanvasElement | OffscreenCanvas;
type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** A canvas of a page or a worker, and its context. */
export function canvas(width: number, height: number): [Canvas, Context] {
  let made: Canvas;
  if (typeof document !== 'undefined') {
    made = document.createElement('canvas');
    made.width = width;
    made.height = height;
  } else if (typeof OffscreenCanvas !== 'undefined') {
    made = new OffscreenCanvas(width, height);
  } else {
    throw new Error('Canvas is not supported');
  }
  const context = made.getContext('2d', { willReadFrequently: true }) as Context | null;
  if (!context) throw new Error('Can not access image data');
  return [made, context];
}

function isPixels(image: object): image is ImageData {
  return 'data' in image && 'width' in image && 'height' in image;
}

/** The picture behind a URL. */
async function load(url: string): Promise<HTMLImageElement | ImageBitmap> {
  if (typeof Image === 'undefined') {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: HTTP status ${response.status}`);
    return createImageBitmap(await response.blob());
  }
  const image = new Image();
  image.crossOrigin = 'anonymous';
  image.src = url;
  await image.decode();
  return image;
}

/** RGBA pixels of the picture at the size asked for. */
function pixels(image: Exclude<ImageSource, string>, options: TensorFromImageOptions): Pixels {
  const own = image as {
    naturalWidth?: number;
    naturalHeight?: number;
    videoWidth?: number;
    videoHeight?: number;
  };
  const sourceWidth = own.naturalWidth ?? own.videoWidth ?? image.width;
  const sourceHeight = own.naturalHeight ?? own.videoHeight ?? image.height;
  const width = options.resizedWidth ?? sourceWidth;
  const height = options.resizedHeight ?? sourceHeight;
  let drawable: CanvasImageSource = image as CanvasImageSource;
  if (isPixels(image)) {
    if (width === image.width && height === image.height) return image;
    const [full, context] = canvas(sourceWidth, sourceHeight);
    context.putImageData(image, 0, 0);
    drawable = full;
  }
  const [, context] = canvas(width, height);
  context.drawImage(drawable, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function perChannel(value: PerChannel | undefined, fallback: number): number[] {
  return [0, 1, 2, 3].map((i) => (typeof value === 'number' ? value : (value?.[i] ?? fallback)));
}

/** Offset and step of a channel in a tensor of `channels` x `area` values. */
function place(layout: 'NCHW' | 'NHWC' | undefined, channel: number, channels: number, area: number) {
  return layout === 'NHWC' ? [channel, channels] : [channel * area, 1];
}

/** Reads pixels into a tensor of one image. */
export async function fromImage(
  source: ImageSource,
  options: TensorFromImageOptions = {},
): Promise<TensorParts> {
  const image = typeof source === 'string' ? await load(source) : source;
  if (typeof image !== 'object' || image === null) {
    throw new TypeError('Input data provided is not supported - aborted tensor creation');
  }
  const { data: rgba, width, height } = pixels(image, options);
  const { tensorFormat = 'RGB', tensorLayout, dataType = 'float32', norm } = options;
  const mean = perChannel(norm?.mean, dataType === 'uint8' ? 1 : 255);
  const bias = perChannel(norm?.bias, 0);
  const channels = tensorFormat.length;
  const area = width * height;
  // A clamped array rounds and clamps what normalisation makes of uint8.
  const data =
    dataType === 'uint8' ? new Uint8ClampedArray(channels * area) : new Float32Array(channels * area);
  for (let c = 0; c < channels; c++) {
    const from = 'RGBA'.indexOf(tensorFormat[c] as string);
    const [start, step] = place(tensorLayout, c, channels, area) as [number, number];
    const add = bias[from] as number;
    const divide = mean[from] as number;
    for (let i = 0; i < area; i++) data[start + i * step] = ((rgba[4 * i + from] as number) + add) / divide;
  }
  return {
    type: dataType,
    data: data instanceof Float32Array ? data : new Uint8Array(data.buffer),
    dims: tensorLayout === 'NHWC' ? [1, height, width, channels] : [1, channels, height, width],
  };
}

/** The picture in a tensor of one image as RGBA pixels. */
function toPixels(tensor: Tensor, options: TensorToImageOptions = {}): Pixels {
  const { format = 'RGB', tensorLayout, norm } = options;
  if (tensor.dims.length !== 4 && tensor.dims.length !== 3)
    throw new Error('The tensor does not hold one image');
  const dims = tensor.dims.length === 3 ? [1, ...tensor.dims] : tensor.dims;
  const [images, channels, height, width] = (
    tensorLayout === 'NHWC' ? [dims[0], dims[3], dims[1], dims[2]] : dims
  ) as [number, number, number, number];
  if (images !== 1 || channels !== format.length) {
    throw new Error("Tensor format doesn't match input tensor dims");
  }
  const values = tensor.data as Float32Array;
  const mean = perChannel(norm?.mean, 255);
  const bias = perChannel(norm?.bias, 0);
  const area = width * height;
  const rgba = new Uint8ClampedArray(4 * area).fill(255);
  for (let c = 0; c < channels; c++) {
    const to = 'RGBA'.indexOf(format[c] as string);
    const [start, step] = place(tensorLayout, c, channels, area) as [number, number];
    for (let i = 0; i < area; i++) {
      rgba[4 * i + to] = ((values[start + i * step] as number) - (bias[to] as number)) * (mean[to] as number);
    }
  }
  return { data: rgba as ImageData['data'], width, height };
}

export function toImageData(tensor: Tensor, options?: TensorToImageOptions): ImageData {
  const { data, width, height } = toPixels(tensor, options);
  return new ImageData(data, width, height);
}

export function toDataURL(tensor: Tensor, options?: TensorToImageOptions): string {
  const { data, width, height } = toPixels(tensor, options);
  const [made, context] = canvas(width, height);
  if (!('toDataURL' in made)) throw new Error('toDataURL is not supported');
  context.putImageData(new ImageData(data, width, height), 0, 0);
  return made.toDataURL();
}
