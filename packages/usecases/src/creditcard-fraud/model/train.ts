/**
 * Trains both fraud models and writes their weights into the source:
 *
 *     npm --prefix packages/usecases run train [-- --check]
 *
 * With `--check` nothing is written; the exit status is 1 where training does
 * not give the committed weights. The same source always gives the same file.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { renderWeights } from './render-weights.js';
import { fullTraining, trainNetwork } from './train-network.js';

const reportSteps = 500;
const target = fileURLToPath(
  new URL('../../../src/creditcard-fraud/model/fraud-weights.ts', import.meta.url),
);

function train(withReference: boolean) {
  const label = withReference ? 'with reference data' : 'without reference data';
  let lossSum = 0;
  return trainNetwork(withReference, fullTraining, (step, loss) => {
    lossSum += loss;
    if ((step + 1) % reportSteps !== 0) return;
    const mean = (lossSum / reportSteps).toFixed(4);
    process.stderr.write(`${label}: step ${step + 1} of ${fullTraining.steps}, cross entropy ${mean}\n`);
    lossSum = 0;
  });
}

const text = renderWeights({ withoutReference: train(false), withReference: train(true) });
if (process.argv.includes('--check')) {
  const same = (await readFile(target, 'utf8')) === text;
  process.stderr.write(`${target}: ${same ? 'as trained' : 'differs from what training gives'}\n`);
  process.exitCode = same ? 0 : 1;
} else {
  await writeFile(`${target}.new`, text);
  await rename(`${target}.new`, target);
  process.stderr.write(`wrote ${target}\n`);
}
