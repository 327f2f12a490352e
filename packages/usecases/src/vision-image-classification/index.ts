import { completeValues } from '../option-values.js';
import type { OptionValues, UseCase } from '../use-case.js';
import { openFolderSource } from './folder-source.js';
import { imageRow } from './image-row.js';
import { defaultSettings, imageSettings, settingOptions } from './image-settings.js';
import { imageTask } from './image-task.js';
import { imageSourceOptions, inputOption, sourceOptions } from './source-options.js';
import { openSyntheticSource } from './synthetic-source.js';

/** What is in an image? Asked with its pixels, cut to the size that the model takes. */
export const useCase: UseCase = withSettings(defaultSettings);

function withSettings(values: OptionValues): UseCase {
  const settings = imageSettings(values);
  return {
    name: 'vision-image-classification',
    summary: 'Image classification: 224 x 224 pixels an image, 1001 classes',
    rowNoun: 'images',
    drawn: 'images of smooth colours, shapes and noise',
    options: [...sourceOptions, ...settingOptions],
    inputOption,
    settings: values,
    storesAnswers: true,
    withSettings: (some) => withSettings(completeValues(settingOptions, some, values)),
    row: imageRow(settings),
    references: [],
    async openSource(options) {
      const { inputPath } = options;
      const { synthetic } = imageSourceOptions(options);
      if (inputPath !== undefined) return openFolderSource(settings, inputPath, options);
      return openSyntheticSource(settings, synthetic, options);
    },
    task: (options) => imageTask(settings, options),
  };
}
