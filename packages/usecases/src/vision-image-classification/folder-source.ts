import { AibenchError, errorLine } from '@aibench/core';
import type { RowSource, SourceOptions } from '../use-case.js';
import { cropPlace, shorterSideFor } from './crop-place.js';
import { ImageFolder } from './image-folder.js';
import { imageRow, rowWriter } from './image-row.js';
import type { ImageSettings } from './image-settings.js';
import { imageSourceOptions } from './source-options.js';

type Images = typeof import('@aibench/images');

/** What became of a file: its crops, or why it has none. */
interface ReadImage {
  readonly place: number;
  readonly crops: readonly Uint8Array[] | AibenchError;
}

/**
 * Rows from the images of a folder, in the order of their names. sharp reads several of them at once, on threads of
 * its own; what is read depends on the file, the seed and its place alone. Passes over the folder go on where more
 * rows are wanted than it gives, with new crops.
 *
 * @throws AIBENCH_INPUT where the folder cannot be read; AIBENCH_USAGE where the package that reads images is missing
 */
export async function openFolderSource(
  settings: ImageSettings,
  path: string,
  options: SourceOptions,
): Promise<RowSource> {
  const { limit } = imageSourceOptions(options);
  const folder = await ImageFolder.open(path, limit);
  const source = new FolderSource(settings, folder, options, await loadImages());
  return {
    description: path,
    rowCount: source.rowCount,
    progress: () => undefined,
    chunks: () => source.chunks(),
    close: async () => source.close(),
  };
}

/** Loaded only here, so that programs which read no images need neither it nor sharp. */
async function loadImages(): Promise<Images> {
  try {
    return await import('@aibench/images');
  } catch (cause) {
    throw new AibenchError('AIBENCH_USAGE', `image files cannot be read: ${errorLine(cause)}`, {
      hint: 'install @aibench/images beside this program; images that are drawn need nothing (--synthetic)',
      cause,
    });
  }
}

class FolderSource {
  readonly #settings: ImageSettings;
  readonly #folder: ImageFolder;
  readonly #options: SourceOptions;
  readonly #images: Images;
  readonly #cropsPerImage: number;
  readonly #failOnBadImage: boolean;
  /** Places of files that turned out to be no images. */
  readonly #bad = new Set<number>();
  #closed = false;

  constructor(settings: ImageSettings, folder: ImageFolder, options: SourceOptions, images: Images) {
    this.#settings = settings;
    this.#folder = folder;
    this.#options = options;
    this.#images = images;
    const { cropsPerImage, failOnBadImage } = imageSourceOptions(options);
    this.#cropsPerImage = cropsPerImage;
    this.#failOnBadImage = failOnBadImage;
  }

  /** Rows that come if every file is an image. */
  get rowCount(): number {
    const { rowLimit, groupId, groupCount } = this.#options;
    if (groupCount === 1 && rowLimit > 0) return rowLimit;
    const files = this.#folder.names.length;
    let count = 0;
    for (let pass = 0; ; pass++) {
      const before = count;
      for (let place = groupId; place < files; place += groupCount) count += this.#cropsWithin(pass, place);
      if (rowLimit === 0 || count === before) return count;
    }
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    const { rowLimit } = this.#options;
    const row = new Uint8Array(imageRow(this.#settings).sizeBytes);
    const write = rowWriter(this.#settings);
    let rows = 0;
    for await (const { place, crops } of this.#readAhead()) {
      if (this.#closed) return;
      if (crops instanceof AibenchError) {
        this.#leaveOut(place, crops);
        continue;
      }
      for (const crop of crops) {
        write(crop, row);
        yield row;
        rows += 1;
        if (this.#closed || rows === rowLimit) return;
      }
    }
    if (rows > 0 || this.#closed) return;
    const { path, names } = this.#folder;
    if (this.#bad.size === 0) return;
    throw new AibenchError('AIBENCH_INPUT', `${path}: none of ${names.length} files is an image`, {
      hint: 'see --input-val-dir',
    });
  }

  close(): void {
    this.#closed = true;
  }

  /** Images in order, a few of them being read while one is handed out. */
  async *#readAhead(): AsyncGenerator<ReadImage, void, undefined> {
    const places = this.#places();
    const reading: Promise<ReadImage>[] = [];
    // So many that threads have work while the first of these is waited for, or is written.
    const inFlight = 2 * this.#options.threads + 1;
    for (;;) {
      while (reading.length < inFlight && !this.#closed) {
        const { done, value } = places.next();
        if (done === true) break;
        reading.push(this.#read(value.pass, value.place));
      }
      const next = reading.shift();
      if (next === undefined) return;
      yield await next;
    }
  }

  /** Files to read, pass after pass while rows are wanted. */
  *#places(): Generator<{ readonly pass: number; readonly place: number }> {
    const { rowLimit, groupId, groupCount } = this.#options;
    const files = this.#folder.names.length;
    for (let pass = 0; ; pass++) {
      let some = false;
      for (let place = groupId; place < files; place += groupCount) {
        if (this.#bad.has(place) || this.#cropsWithin(pass, place) === 0) continue;
        some = true;
        yield { pass, place };
      }
      if (rowLimit === 0 || !some) return;
    }
  }

  async #read(pass: number, place: number): Promise<ReadImage> {
    const { seed } = this.#options;
    const { size } = this.#settings;
    const firstCrop = pass * this.#cropsPerImage;
    try {
      const crops = await this.#images.readCrops({
        path: this.#folder.pathOf(place),
        shorterSide: shorterSideFor(size),
        cropSize: size,
        cropCount: this.#cropsWithin(pass, place),
        placeOf: (crop, resized) => cropPlace(seed, place, firstCrop + crop, resized, size),
      });
      return { place, crops };
    } catch (error) {
      if (!(error instanceof AibenchError)) throw error;
      return { place, crops: error };
    }
  }

  /**
   * Crops of an image in a pass. Where groups share the work, the limit counts what all of them would make if every
   * file were an image; alone, it counts what is made.
   */
  #cropsWithin(pass: number, place: number): number {
    const { rowLimit, groupCount } = this.#options;
    if (rowLimit === 0 || groupCount === 1) return this.#cropsPerImage;
    const before = (pass * this.#folder.names.length + place) * this.#cropsPerImage;
    return Math.max(0, Math.min(this.#cropsPerImage, rowLimit - before));
  }

  #leaveOut(place: number, error: AibenchError): void {
    if (this.#failOnBadImage) {
      throw new AibenchError('AIBENCH_INPUT', error.message, {
        hint: '--on-bad-image skip leaves such files out',
        cause: error,
      });
    }
    // A file may be read again before it is known to be none.
    if (this.#bad.has(place)) return;
    this.#bad.add(place);
    const name = this.#folder.names[place]!;
    const path = this.#folder.pathOf(place);
    // What follows the path, which both kinds of message name: `PATH: why` and `cannot read PATH: why`.
    this.#options.onLeftOut?.(name, error.message.slice(error.message.indexOf(path) + path.length + 2));
  }
}
