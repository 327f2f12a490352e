import { AibenchError } from '@aibench/core';
import { completeValues } from '../option-values.js';
import type { OptionValues, SourceOptions, UseCaseOption } from '../use-case.js';

/** The option that names the folder of images. */
export const inputOption = 'input-val-dir';

/** Images drawn where the user gives neither a folder nor a number. */
const syntheticImages = 1000;

/** The options that say which images rows are made from, and how many. */
export const sourceOptions = [
  {
    name: inputOption,
    describe:
      'Folder of images, such as COCO val2017: JPEG, PNG or WebP; without it, images are drawn from the seed',
    placeholder: 'path',
    isSetting: false,
    value: { kind: 'text', default: '' },
  },
  {
    name: 'synthetic',
    describe: `Images to draw where no folder is given; 0 is ${syntheticImages}`,
    placeholder: 'n',
    isSetting: false,
    value: { kind: 'integer', default: 0, min: 0 },
  },
  {
    name: 'limit',
    describe: 'Images to read or draw, the first in the order of their names; below 0 is all',
    isSetting: false,
    value: { kind: 'integer', default: -1 },
  },
  {
    name: 're-use-factor',
    describe: 'Rows made of each image, each another crop',
    isSetting: false,
    value: { kind: 'integer', default: 1, min: 1, max: 10_000 },
  },
  {
    name: 'on-bad-image',
    describe: 'What to do with a file that is no image, or a damaged one: skip it, naming it, or fail',
    isSetting: false,
    value: { kind: 'choice', default: 'skip', choices: ['skip', 'fail'] },
  },
] as const satisfies readonly UseCaseOption[];

/** What the options ask for. */
export interface ImageSourceOptions {
  /** Images to draw where there is no folder. */
  readonly synthetic: number;
  /** Files that count, the first by name; Infinity for all. */
  readonly limit: number;
  readonly cropsPerImage: number;
  readonly failOnBadImage: boolean;
}

/**
 * Reads the options' values; those that are missing have their defaults.
 *
 * @throws AIBENCH_USAGE where they leave no image, or where images are to be read and to be drawn
 */
export function imageSourceOptions({ inputPath, values = {} }: SourceOptions): ImageSourceOptions {
  const all: OptionValues = completeValues(sourceOptions, values, {});
  const [synthetic, limit] = [Number(all['synthetic']), Number(all['limit'])];
  if (limit === 0) {
    throw new AibenchError('AIBENCH_USAGE', '--limit 0 leaves no image', { hint: 'below 0 is all of them' });
  }
  if (inputPath !== undefined && synthetic > 0) {
    throw new AibenchError('AIBENCH_USAGE', `images are read from --${inputOption} or drawn, not both`, {
      hint: 'leave --synthetic out; --limit says how many are read',
    });
  }
  const most = limit < 0 ? Number.POSITIVE_INFINITY : limit;
  return {
    synthetic: Math.min(synthetic === 0 ? syntheticImages : synthetic, most),
    limit: most,
    cropsPerImage: Number(all['re-use-factor']),
    failOnBadImage: all['on-bad-image'] === 'fail',
  };
}
