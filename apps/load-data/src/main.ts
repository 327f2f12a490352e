#!/usr/bin/env node
import { runCli } from '@aibench/harness/cli';
import { flags } from './flags.js';
import { loadData } from './load-data.js';

await runCli({
  name: 'aibench-load-data',
  summary: 'Loads the reference data of a data file into Redis, Redis Cluster or RedisAI.',
  packageUrl: import.meta.url,
  flags,
  examples: [
    'aibench-load-data --file fraud.dat --pipeline 100 --workers 4',
    'aibench-generate-data --max-transactions 100000 | tee fraud.dat | aibench-load-data --pipeline 100',
    'aibench-load-data --file fraud.dat --redis-host 10.0.0.1:7000,10.0.0.2:7000 --cluster-mode --set-tensor=false',
  ],
  run: loadData,
});
