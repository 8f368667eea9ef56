import type { Picture } from './image.js';

/** Longest side that is kept; larger photographs are reduced to it so that they fit in memory. */
const LONGEST = 4096;

/** Decodes a picture file upright, on white where it is transparent. Throws in words when the browser cannot. */
export async function decodePicture(file: Blob): Promise<Picture> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch {
    throw new Error('The browser cannot read this file as a picture. PNG, JPEG and WebP work everywhere.');
  }
  try {
    const ratio = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
    const width = Math.max(1, Math.round(bitmap.width * ratio));
    const height = Math.max(1, Math.round(bitmap.height * ratio));
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (!context) throw new Error('The browser has no room for this picture.');
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, height);
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, width, height);
    return { width, height, data: context.getImageData(0, 0, width, height).data };
  } finally {
    bitmap.close();
  }
}
