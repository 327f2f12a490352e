/**
 * Measures the statistics of the seeded MobileNet's layers and writes them into the source:
 *
 *     npm --prefix packages/usecases run calibrate [-- --check]
 *
 * With `--check` nothing is written; the exit status is 1 where the committed
 * statistics are others. The same source always gives the same file.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { calibrate, calibrationImages } from './calibrate-weights.js';
import { renderStatistics } from './stored-statistics.js';

const target = fileURLToPath(
  new URL('../../../src/vision-image-classification/model/mobilenet-statistics.ts', import.meta.url),
);

const text = renderStatistics(calibrate(calibrationImages, (layer) => process.stderr.write(`${layer}\n`)));
if (process.argv.includes('--check')) {
  const same = (await readFile(target, 'utf8')) === text;
  process.stderr.write(`${target}: ${same ? 'as measured' : 'differs from what is measured'}\n`);
  process.exitCode = same ? 0 : 1;
} else {
  await writeFile(`${target}.new`, text);
  await rename(`${target}.new`, target);
  process.stderr.write(`wrote ${target}\n`);
}
