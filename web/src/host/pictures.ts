// Decodes pictures with what the page or process has: the browser's decoders, or sharp in Node; plain formats itself.
import { KingletError } from '../errors.js';
import { canvas } from '../image.js';
import { isNode } from './features.js';
import { type Sharp, sharp } from './node.js';
import { extentsOf, formatOf, type PictureFormat, withoutExif } from './picture-file.js';
import { readBmp, readPnm } from './picture-plain.js';

/** Pixels row by row, `channels` bytes each: grey, grey and alpha, RGB, or RGBA. */
export interface Picture {
  width: number;
  height: number;
  channels: number;
  pixels: Uint8Array | Uint8ClampedArray;
}

const mediaTypes: { [name in PictureFormat]?: string } = { 'JPEG 2000': 'image/jp2' };
const sharpNames: { [name in PictureFormat]?: string } = { 'JPEG 2000': 'jp2' };
// What every browser has.
const everywhere: readonly PictureFormat[] = ['JPEG', 'PNG', 'WebP', 'GIF', 'BMP'];

const ask = 'give the picture as JPEG, PNG or WebP';
const hostName = () => (isNode() ? 'Node' : 'this browser');

function lacks(
  format: PictureFormat,
  host: string,
  hint: string,
  { kind = '', cause }: { kind?: string; cause?: unknown } = {},
): KingletError {
  const context = { format, host, hint };
  const detail = `${host} has no decoder for ${kind}${format}`;
  return new KingletError('unsupported_feature', detail, { context, cause });
}

function damaged(format: PictureFormat, host: string, cause: unknown): KingletError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const context = { format, host };
  return new KingletError('invalid_input', `a damaged ${format} picture: ${reason}`, { context, cause });
}

function refuseLarge(width: number, height: number, most: number): void {
  if (width * height <= most) return;
  throw new KingletError('out_of_memory', `a picture of ${width} x ${height} pixels, ${most} are allowed`);
}

/** The colours of transparent pixels too, which a canvas loses; undefined where there is no WebGL. */
function throughTexture(bitmap: ImageBitmap): Uint8Array | undefined {
  if (typeof OffscreenCanvas === 'undefined') return undefined;
  const { width, height } = bitmap;
  const gl = new OffscreenCanvas(1, 1).getContext('webgl');
  if (!gl) return undefined;
  try {
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
    gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
    gl.framebufferTexture2D(
      gl.FRAMEBUFFER,
      gl.COLOR_ATTACHMENT0,
      gl.TEXTURE_2D,
      gl.getParameter(gl.TEXTURE_BINDING_2D),
      0,
    );
    const pixels = new Uint8Array(4 * width * height);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    // Larger than a texture may be, say.
    return gl.getError() === gl.NO_ERROR ? pixels : undefined;
  } finally {
    gl.getExtension('WEBGL_lose_context')?.loseContext();
  }
}

function pixelsOf(bitmap: ImageBitmap): Picture {
  const { width, height } = bitmap;
  const [, context] = canvas(width, height);
  context.drawImage(bitmap, 0, 0);
  let pixels: Picture['pixels'] = context.getImageData(0, 0, width, height).data;
  for (let i = 3; i < pixels.length; i += 4) {
    if (pixels[i] === 255) continue;
    pixels = throughTexture(bitmap) ?? pixels;
    break;
  }
  return { width, height, channels: 4, pixels };
}

async function decodeInBrowser(encoded: Uint8Array, format: PictureFormat, most: number): Promise<Picture> {
  const host = hostName();
  try {
    const said = extentsOf(format, encoded);
    if (said) refuseLarge(...said, most);
  } catch (error) {
    if (error instanceof KingletError) throw error;
    throw damaged(format, host, error);
  }
  const type = mediaTypes[format] ?? `image/${format.toLowerCase()}`;
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(new Blob([withoutExif(format, encoded)], { type }), {
      premultiplyAlpha: 'none',
      colorSpaceConversion: 'none',
    });
  } catch (error) {
    if (everywhere.includes(format)) throw damaged(format, host, error);
    throw lacks(format, host, ask, { cause: error });
  }
  try {
    refuseLarge(bitmap.width, bitmap.height, most);
    return pixelsOf(bitmap);
  } catch (error) {
    if (error instanceof KingletError) throw error;
    const detail = `no canvas of ${bitmap.width} x ${bitmap.height} pixels: ${error}`;
    throw new KingletError('out_of_memory', detail, { cause: error });
  } finally {
    bitmap.close();
  }
}

async function decodeInNode(encoded: Uint8Array, format: PictureFormat, most: number): Promise<Picture> {
  const host = hostName();
  let decoder: Sharp;
  try {
    decoder = sharp();
  } catch (error) {
    throw lacks(format, host, 'npm install sharp', { cause: error });
  }
  const name = sharpNames[format] ?? format.toLowerCase();
  if (!decoder.format[name]?.input.buffer) throw lacks(format, 'sharp in Node', ask);
  const options = { failOn: 'error', ignoreIcc: true, limitInputPixels: most };
  try {
    const { data, info } = await decoder(encoded, options)
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, channels: info.channels, pixels: data };
  } catch (error) {
    if (/pixel limit/.test(String(error)))
      throw new KingletError('out_of_memory', `a picture of more than ${most} pixels`, { cause: error });
    throw damaged(format, host, error);
  }
}

// What a canvas of a browser holds at most.
const mostPixels = 2 ** 28;

/**
 * The first picture in `encoded`, as it is stored: not turned as EXIF says, colours not converted. Fails with
 * `invalid_input` for what is damaged or no picture, `unsupported_feature` for a format that the host lacks,
 * `out_of_memory` for one that takes more than `room` bytes with four to a pixel.
 */
export async function decodePicture(encoded: Uint8Array, room: number): Promise<Picture> {
  const format = formatOf(encoded);
  const most = Math.min(Math.max(1, Math.floor(room / 4)), mostPixels);
  if (format === 'PNM' || (format === 'BMP' && isNode())) {
    try {
      const picture = (format === 'PNM' ? readPnm : readBmp)(encoded, (width, height) =>
        refuseLarge(width, height, most),
      );
      if (picture) return picture;
    } catch (error) {
      if (error instanceof KingletError) throw error;
      throw damaged(format, hostName(), error);
    }
    throw lacks(format, hostName(), ask, { kind: 'this kind of ' });
  }
  return (isNode() ? decodeInNode : decodeInBrowser)(encoded, format, most);
}
