#!/usr/bin/env node
import { runCli } from '@aibench/harness/cli';
import { flags } from './flags.js';
import { generate } from './generate.js';

await runCli({
  name: 'aibench-generate-data',
  summary: 'writes the data file of a use case',
  packageUrl: import.meta.url,
  flags,
  examples: [
    'aibench-generate-data --seed 12345 --output-file fraud.dat',
    'aibench-generate-data --input-file creditcard.csv.gz --seed 12345 --output-file fraud.dat',
    'aibench-generate-data --max-transactions 10000 --seed 12345 | aibench-load-data',
  ],
  run: generate,
});
