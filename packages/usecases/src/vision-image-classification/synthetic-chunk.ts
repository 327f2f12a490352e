import type { ChunkMaker, PoolJob } from '../chunk-maker.js';
import { cropPlace, shorterSideFor } from './crop-place.js';
import { rowWriter } from './image-row.js';
import type { ImageSettings } from './image-settings.js';
import { drawImage, syntheticSize } from './synthetic-image.js';

/** What all chunks of a run share. */
export interface SyntheticSettings {
  readonly seed: number;
  readonly settings: ImageSettings;
}

/** Crops of one image: `cropCount` of them, from the one numbered `firstCrop` on. */
export interface SyntheticJob extends PoolJob {
  readonly place: number;
  readonly firstCrop: number;
  readonly cropCount: number;
}

/** Draws images, already of the size that files are resized to, and cuts crops out of them. */
export function createChunkMaker(data: unknown): ChunkMaker<SyntheticJob> {
  const { seed, settings } = data as SyntheticSettings;
  const write = rowWriter(settings);
  const { size } = settings;
  const crop = new Uint8Array(size * size * 3);
  return ({ place, firstCrop, cropCount }, output) => {
    const image = syntheticSize(seed, place, shorterSideFor(size));
    const rgb = drawImage(seed, place, image.width, image.height);
    const rowSizeBytes = size * size * 3 * (settings.dtype === 'float32' ? 4 : 1);
    for (let i = 0; i < cropCount; i++) {
      const { left, top } = cropPlace(seed, place, firstCrop + i, image, size);
      for (let y = 0; y < size; y++) {
        const start = ((top + y) * image.width + left) * 3;
        crop.set(rgb.subarray(start, start + size * 3), y * size * 3);
      }
      write(crop, output.subarray(i * rowSizeBytes, (i + 1) * rowSizeBytes));
    }
    return cropCount * rowSizeBytes;
  };
}
