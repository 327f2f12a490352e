import { rowRandom } from '@aibench/core';

/** Streams of an image's random numbers: its pixels where it is drawn, then each of its crops. */
const firstCropStream = 1;

/** The shorter side of an image from which crops are cut: 256 for crops of 224, as in the Go suite. */
export function shorterSideFor(cropSize: number): number {
  return Math.round((cropSize * 8) / 7);
}

/**
 * Where a crop lies in its image: it depends on the seed, the image's place and the crop's number alone.
 *
 * @param place of the image in the order of names, from 0
 * @param crop number of the crop among those of the image, from 0
 */
export function cropPlace(
  seed: number,
  place: number,
  crop: number,
  { width, height }: { readonly width: number; readonly height: number },
  cropSize: number,
): { readonly left: number; readonly top: number } {
  const random = rowRandom(seed, place, firstCropStream + crop);
  return { left: random.integer(0, width - cropSize), top: random.integer(0, height - cropSize) };
}
