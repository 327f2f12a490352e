import { RowPool } from '../row-pool.js';
import type { RowSource, SourceOptions } from '../use-case.js';
import { imageRow } from './image-row.js';
import type { ImageSettings } from './image-settings.js';
import { imageSourceOptions } from './source-options.js';
import type { SyntheticJob, SyntheticSettings } from './synthetic-chunk.js';

/** Crops that are cut from an image at a time, so that memory doesn't grow with their number. */
const cropsPerJob = 4;

/** Rows from images that are drawn, already of the size that files are resized to. */
export function openSyntheticSource(
  settings: ImageSettings,
  imageCount: number,
  options: SourceOptions,
): RowSource {
  const shared: SyntheticSettings = { seed: options.seed, settings };
  const pool = new RowPool<SyntheticJob>({
    moduleUrl: new URL('./synthetic-chunk.js', import.meta.url),
    settings: shared,
    threads: options.threads,
    chunkSizeBytes: cropsPerJob * imageRow(settings).sizeBytes,
  });
  const { cropsPerImage } = imageSourceOptions(options);
  let rowCount = 0;
  for (const { cropCount } of drawJobs(imageCount, cropsPerImage, options)) rowCount += cropCount;
  return {
    description: 'synthetic',
    rowCount,
    progress: () => undefined,
    chunks: () => pool.run(drawJobs(imageCount, cropsPerImage, options)),
    close: () => pool.close(),
  };
}

/** Images in order, each with its crops; a group draws every G-th of them. */
function* drawJobs(
  imageCount: number,
  cropsPerImage: number,
  { rowLimit, groupId, groupCount }: SourceOptions,
): Generator<SyntheticJob> {
  const rows = rowLimit === 0 ? imageCount * cropsPerImage : rowLimit;
  for (let pass = 0; pass * imageCount * cropsPerImage < rows; pass++) {
    for (let place = groupId; place < imageCount; place += groupCount) {
      const before = (pass * imageCount + place) * cropsPerImage;
      const crops = Math.min(cropsPerImage, rows - before);
      for (let crop = 0; crop < crops; crop += cropsPerJob) {
        const firstCrop = pass * cropsPerImage + crop;
        yield { place, firstCrop, cropCount: Math.min(cropsPerJob, crops - crop) };
      }
    }
  }
}
