import { flag, runCli } from '@aibench/harness/cli';
import { commonFlags, flags } from './flags.js';
import { generate } from './generate.js';

/**
 * Runs aibench-generate-data.
 *
 * @param useCaseName the use case where the command line names none
 */
export async function generateDataCli(useCaseName: string): Promise<never> {
  const { describe, placeholder } = commonFlags['use-case'];
  return runCli({
    name: 'aibench-generate-data',
    summary: 'writes the data file of a use case',
    packageUrl: import.meta.url,
    flags: { ...flags, 'use-case': flag.string({ default: useCaseName, describe, placeholder }) },
    examples: [
      'aibench-generate-data --seed 12345 --output-file fraud.dat',
      'aibench-generate-data --input-file creditcard.csv.gz --seed 12345 --output-file fraud.dat',
      'aibench-generate-data --max-transactions 10000 --seed 12345 | aibench-load-data',
      'aibench-generate-data --use-case vision-image-classification --input-val-dir val2017 --seed 12345 --output-file images.dat',
    ],
    run: generate,
  });
}
