import { AibenchError } from '@aibench/core';
import { defaultOf } from '../option-values.js';
import type { OptionValues, UseCaseOption } from '../use-case.js';

const layouts = ['NHWC', 'NCHW'] as const;
const dtypes = ['float32', 'uint8'] as const;
const normalizations = ['none', 'minus-one-to-one', 'imagenet'] as const;

/** How the pixels of an image lie in a row. */
export interface ImageSettings {
  /** Width and height of what a model gets, in pixels. */
  readonly size: number;
  /** Rows, columns, channels; or channels, rows, columns. */
  readonly layout: (typeof layouts)[number];
  readonly dtype: (typeof dtypes)[number];
  /** What becomes of value / 255. */
  readonly normalization: (typeof normalizations)[number];
}

/** The options that change what a row is. */
export const settingOptions = [
  {
    name: 'image-size',
    describe:
      'Width and height of the images that a model gets, in pixels; they are cut from images whose shorter side has 8/7 of that',
    placeholder: 'n',
    isSetting: true,
    value: { kind: 'integer', default: 224, min: 1, max: 4096 },
  },
  {
    name: 'image-layout',
    describe: 'Order of rows (H), columns (W) and channels (C) in a tensor',
    isSetting: true,
    value: { kind: 'choice', default: 'NHWC', choices: layouts },
  },
  {
    name: 'image-dtype',
    describe: 'Element type of a tensor; uint8 holds the values from 0 to 255 as they are',
    isSetting: true,
    value: { kind: 'choice', default: 'float32', choices: dtypes },
  },
  {
    name: 'image-normalization',
    describe:
      'What float32 values are: none is value/255, from 0 to 1; imagenet subtracts the mean of ImageNet from that and divides by its standard deviation, channel by channel',
    isSetting: true,
    value: { kind: 'choice', default: 'none', choices: normalizations },
  },
] as const satisfies readonly UseCaseOption[];

/** The settings where the user chooses none: the Go suite's. */
export const defaultSettings: OptionValues = Object.fromEntries(
  settingOptions.map((option) => [option.name, defaultOf(option)]),
);

/**
 * The settings that checked values stand for.
 *
 * @throws AIBENCH_USAGE for bytes that are to be normalised
 */
export function imageSettings(values: OptionValues): ImageSettings {
  const settings = {
    size: values['image-size'],
    layout: values['image-layout'],
    dtype: values['image-dtype'],
    normalization: values['image-normalization'],
  } as ImageSettings;
  if (settings.dtype === 'uint8' && settings.normalization !== 'none') {
    throw new AibenchError(
      'AIBENCH_USAGE',
      `--image-normalization ${settings.normalization} gives fractions`,
      {
        hint: '--image-dtype uint8 goes with --image-normalization none',
      },
    );
  }
  return settings;
}
