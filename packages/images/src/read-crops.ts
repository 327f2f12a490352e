import { readFile, stat } from 'node:fs/promises';
import { AibenchError, inputError } from '@aibench/core';
import sharp, { type Metadata, type Sharp, type SharpOptions } from 'sharp';
import { plainJpegSize } from './jpeg-size.js';
import { type ImageSize, resizedSize } from './resized-size.js';

/** Where a crop lies in the resized image, in pixels from its upper left corner. */
export interface CropPlace {
  readonly left: number;
  readonly top: number;
}

/** What is wanted of an image file. */
export interface CropRequest {
  readonly path: string;
  /** The image is resized, aspect kept, until its shorter side has this many pixels. */
  readonly shorterSide: number;
  /** Width and height of a crop; at most `shorterSide`. */
  readonly cropSize: number;
  readonly cropCount: number;
  /** Chooses where the i-th crop lies, knowing the size of the resized image. */
  placeOf(crop: number, resized: ImageSize): CropPlace;
}

/** One operation is one thread: many images at once are faster than many threads on one. */
sharp.concurrency(1);
// No file is read twice.
sharp.cache(false);

/**
 * Catmull-Rom, widened by the factor of the reduction: of sharp's kernels the nearest to OpenCV's area
 * interpolation; see docs/decisions/120-image-pixels.md.
 */
const kernel = 'cubic';

/** Colour profiles are left unread, as by OpenCV and the decoders that models were trained with. */
const reading: SharpOptions = { ignoreIcc: true, failOn: 'warning' };

/** Larger files are not held in memory: a folder may also hold a film. */
const mostInMemoryBytes = 16 << 20;

/** An image may be this many times as long as it is wide: resizing a longer one would make it huge. */
const mostAspect = 100;

/**
 * Reads an image, turns it upright as its EXIF data tells, resizes it and cuts crops out of it. Grey becomes R = G = B,
 * CMYK is mixed without colour profiles, an alpha channel is left out, 16 bits become 8. The file is read to its end,
 * so that a damaged one is noticed wherever the crops lie.
 *
 * @returns a crop's bytes each: R, G, B of 8 bits, row by row
 * @throws AIBENCH_INPUT naming the file and why it is no image, or a damaged one
 */
export async function readCrops(request: CropRequest): Promise<Uint8Array[]> {
  const file = await openFile(request.path);
  try {
    const { image, size } = await openImage(file);
    const resized = resizedSize(size, request.shorterSide);
    return await cut(image.resize({ ...resized, fit: 'fill', kernel }), resized, request);
  } catch (cause) {
    throw imageError(request.path, cause);
  }
}

/** The bytes of a file, or its path where they are many; sharp takes either. */
async function openFile(path: string): Promise<Buffer | string> {
  try {
    const about = await stat(path);
    return about.isFile() && about.size <= mostInMemoryBytes ? await readFile(path) : path;
  } catch (cause) {
    throw inputError(path, cause);
  }
}

/** The image as RGB or grey, upright, and its size. */
async function openImage(
  file: Buffer | string,
): Promise<{ readonly image: Sharp; readonly size: ImageSize }> {
  const plain = typeof file === 'string' ? undefined : plainJpegSize(file);
  if (plain !== undefined) return { image: sharp(file, reading), size: checkedSize(plain) };
  const about = await sharp(file, reading).metadata();
  const { format, hasAlpha, space, autoOrient } = about;
  if (format === 'svg' || format === 'pdf')
    throw new Error(`it is ${format.toUpperCase()}, which has no pixels`);
  const size = checkedSize(autoOrient);
  const image = sharp(file, reading).autoOrient();
  return { image: hasAlpha || space === 'cmyk' ? await mixedToRgb(image, about) : image, size };
}

function checkedSize(size: ImageSize): ImageSize {
  const { width, height } = size;
  if (Math.max(width, height) <= mostAspect * Math.min(width, height)) return size;
  throw new Error(`it has ${width} x ${height} pixels, too long for its width`);
}

/** An image as RGB before it is resized: sharp would mix alpha into the colours, and CMYK by a profile. */
async function mixedToRgb(image: Sharp, { space, autoOrient: { width, height } }: Metadata): Promise<Sharp> {
  if (space !== 'cmyk') {
    const data = await image.removeAlpha().toColourspace('srgb').raw().toBuffer();
    return sharp(data, { raw: { width, height, channels: 3 } });
  }
  const inks = await image.pipelineColourspace('cmyk').toColourspace('cmyk').raw().toBuffer();
  return sharp(mixInks(inks), { raw: { width, height, channels: 3 } });
}

/**
 * What C, M, Y and K leave of white, in place: the product that decoders without colour profiles compute. A fraction
 * counts as a whole, since OpenCV, which divides by 256, then differs by 1 at most.
 */
function mixInks(inks: Buffer): Buffer {
  let end = 0;
  for (let i = 0; i < inks.length; i += 4) {
    const light = 255 - inks[i + 3]!;
    for (let c = 0; c < 3; c++) inks[end++] = light - Math.floor((inks[i + c]! * light) / 255);
  }
  return inks.subarray(0, end);
}

async function cut(image: Sharp, resized: ImageSize, request: CropRequest): Promise<Uint8Array[]> {
  const { cropSize, cropCount } = request;
  const places = Array.from({ length: cropCount }, (_, crop) => request.placeOf(crop, resized));
  const [only] = places;
  // Down to the last line in either case, since only lines that are wanted are decoded and checked.
  const region =
    only !== undefined && cropCount === 1
      ? { ...only, width: cropSize, height: resized.height - only.top }
      : { left: 0, top: 0, ...resized };
  const { data, info } = await image
    .extract(region)
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const rgb = info.channels === 1 ? greyToRgb(data) : data;
  return places.map(({ left, top }) => {
    const start = { left: left - region.left, top: top - region.top };
    return cropOf(rgb, region.width, start, cropSize);
  });
}

function greyToRgb(grey: Uint8Array): Uint8Array {
  const rgb = new Uint8Array(grey.length * 3);
  for (let i = 0; i < grey.length; i++) rgb.fill(grey[i]!, i * 3, i * 3 + 3);
  return rgb;
}

/** A view where the crop is as wide as the image. */
function cropOf(rgb: Uint8Array, width: number, { left, top }: CropPlace, size: number): Uint8Array {
  if (left === 0 && width === size) return rgb.subarray(top * size * 3, (top + size) * size * 3);
  const crop = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y++) {
    const start = ((top + y) * width + left) * 3;
    crop.set(rgb.subarray(start, start + size * 3), y * size * 3);
  }
  return crop;
}

function imageError(path: string, cause: unknown): AibenchError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new AibenchError('AIBENCH_INPUT', `${path}: ${reasonOf(message)}`, { cause });
}

/** libvips gathers what its threads say in one place, so that its own words may be another image's. */
function reasonOf(message: string): string {
  if (message.startsWith('it ')) return message;
  if (/unsupported image format/.test(message)) return 'it is no image';
  if (/Buffer is empty/.test(message)) return 'it is empty';
  if (/pixel limit/.test(message)) return 'it has too many pixels';
  if (/is a directory/i.test(message)) return 'it is a folder';
  return 'it is damaged or cut off';
}
