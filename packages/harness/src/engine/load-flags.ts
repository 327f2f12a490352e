import { defaultUseCaseName } from '@aibench/usecases';
import { type FlagSet, flag } from '../cli/flags.js';
import { highestRatePerSecond } from '../load-model/highest-rate.js';
import { scenarioNames } from '../load-model/scenario.js';
import { defaultSteadyStateRule } from '../load-model/steady-state.js';

/** The flags that every runner has, whichever server it asks. */
export const loadFlags = {
  'use-case': flag.string({
    default: '',
    describe: `What the rows of the data mean; without it, what the manifest beside the data file says, otherwise ${defaultUseCaseName}`,
    placeholder: 'name',
    group: 'Input',
  }),
  file: flag.string({
    default: '',
    describe: 'Data file; stdin where none is given',
    placeholder: 'path',
    group: 'Input',
  }),
  'allow-truncated': flag.boolean({
    default: false,
    describe: 'Use the whole rows of a data file that ends within a row',
    group: 'Input',
  }),
  'enable-reference-data-redis': flag.boolean({
    default: false,
    describe: 'Ask the model that also gets reference data, which lies in Redis',
    group: 'Input',
  }),
  'data-settings': flag.list({
    default: [],
    placeholder: 'name=value,..',
    describe:
      "Settings of the use case's rows, as they were made with: image-layout=NCHW; not needed where the data file's manifest lies beside it",
    group: 'Input',
  }),
  'batch-size': flag.integer({
    default: 1,
    min: 1,
    describe: 'Rows of one request, whose tensors are one, where the use case has such requests',
    group: 'Input',
  }),
  'partial-batch': flag.choice(['send', 'drop'], {
    default: 'send',
    describe:
      'What becomes of the rows at the end of the data that are fewer than --batch-size: a request of their own, or none',
    group: 'Input',
  }),
  workers: flag.integer({
    default: 8,
    min: 1,
    max: 100_000,
    describe: 'Concurrent requests, each on a session of its own',
    group: 'Load',
  }),
  threads: flag.integer({
    default: 0,
    min: 0,
    max: 1_024,
    describe:
      'Load threads that the workers are spread over; 0: one for 16 workers, at most half of the cores',
    group: 'Load',
  }),
  'limit-rps': flag.number({
    default: 0,
    min: 0,
    max: highestRatePerSecond,
    describe: 'Closed loop: most requests a second, all workers together; 0 for no limit',
    group: 'Load',
  }),
  rate: flag.positiveNumber({
    max: highestRatePerSecond,
    describe:
      'Open loop: requests a second that fall due whether or not a worker is free; with --stages, the rate that they start from',
    group: 'Load',
  }),
  arrivals: flag.choice(['constant', 'poisson'], {
    default: 'constant',
    describe: 'Open loop: arrivals in equal steps, or at random as those of many independent users are',
    group: 'Load',
  }),
  stages: flag.string({
    default: '',
    placeholder: '10s:100,30s:500',
    describe: 'Open loop: ramps, each a duration and the rate at its end',
    group: 'Load',
  }),
  'arrival-trace': flag.string({
    default: '',
    placeholder: 'path',
    describe: 'Open loop: file of arrival times to replay, seconds after the start, one a line',
    group: 'Load',
  }),
  'max-outstanding': flag.integer({
    default: 0,
    min: 0,
    describe:
      'Open loop: most requests out or waiting for a worker, those beyond are dropped and counted; 0 for no bound',
    group: 'Load',
  }),
  scenario: flag.choice(['none', ...scenarioNames], {
    default: 'none',
    describe: "One of MLPerf's scenarios, and its figure in the result",
    group: 'Load',
  }),
  'samples-per-query': flag.integer({
    default: 8,
    min: 2,
    describe: 'Scenario multi-stream: requests sent together',
    group: 'Load',
  }),
  'latency-bound': flag.duration({
    default: '0s',
    describe: "Scenario server: what p99 is held to; 0s for MLPerf's default, 10ms",
    group: 'Load',
  }),
  'max-queries': flag.integer({
    default: 0,
    min: 0,
    describe: 'Requests to send, burn-in included; 0 for one for each row',
    group: 'Load',
  }),
  duration: flag.duration({
    default: '0s',
    describe:
      'Time after which no request is sent; a data file that ends sooner starts over; 0s for no limit',
    group: 'Load',
  }),
  'burn-in': flag.integer({
    default: 0,
    min: 0,
    describe: 'First requests, which are sent but left out of statistics',
    group: 'Load',
  }),
  'burn-in-duration': flag.duration({
    default: '0s',
    describe: 'Time at the start whose requests are sent but left out of statistics',
    group: 'Load',
  }),
  'until-stable': flag.boolean({
    default: false,
    describe: 'End the run when its last windows are alike; only they are measured then',
    group: 'Load',
  }),
  'stable-windows': flag.integer({
    default: defaultSteadyStateRule.windows,
    min: 2,
    describe: 'How many windows must be alike',
    group: 'Load',
  }),
  'stable-quantile': flag.number({
    default: 0.99,
    min: 0,
    max: 1,
    describe: 'Quantile of response time that must be alike in them, beside the rate',
    group: 'Load',
  }),
  'stable-tolerance': flag.number({
    default: defaultSteadyStateRule.rateTolerance,
    min: 0,
    describe: 'How far the highest may be above the lowest, as a share',
    group: 'Load',
  }),
  'stable-timeout': flag.duration({
    default: '1m',
    minMs: 1,
    describe: 'Time after which a run that is not steady ends, and says so',
    group: 'Load',
  }),
  'request-timeout': flag.duration({
    default: '30s',
    minMs: 1,
    aliases: ['dial-read-timeout'],
    describe: 'Longest wait for an answer',
    group: 'Load',
  }),
  'ignore-errors': flag.boolean({
    default: false,
    aliases: ['continue-on-error'],
    describe: 'Count failed requests and go on; otherwise the first one ends the run',
    group: 'Load',
  }),
  verify: flag.boolean({
    default: false,
    describe: 'Compare every answer with the expected one, outside the clock',
    group: 'Load',
  }),
  seed: flag.integer({
    default: 0,
    describe: 'Seed of whatever the run draws at random; 0 is from the clock',
    group: 'Load',
  }),
  'find-max-rate': flag.string({
    default: '',
    placeholder: "'p99<10ms'",
    describe:
      'Look for the highest rate that holds this, in the open loop: pN, max, mean, errors, dropped; see docs/results.md',
    group: 'Search',
  }),
  'min-rate': flag.number({
    default: 1,
    min: 0,
    max: highestRatePerSecond,
    describe: 'Search: no lower rate is tried',
    group: 'Search',
  }),
  'max-rate': flag.number({
    default: 1_000_000,
    min: 0,
    max: highestRatePerSecond,
    describe: 'Search: no higher rate is tried',
    group: 'Search',
  }),
  'search-resolution': flag.number({
    default: 0.02,
    min: 0.001,
    max: 1,
    describe: 'Search: how near a rate that does not hold must lie above the answer, as a share of it',
    group: 'Search',
  }),
  'search-duration': flag.duration({
    default: '10s',
    minMs: 200,
    describe:
      'Search: length of one measurement; its first tenth is burn-in unless --burn-in-duration says otherwise',
    group: 'Search',
  }),
  'search-repeats': flag.integer({
    default: 3,
    min: 1,
    max: 99,
    describe: 'Search: measurements that decide on a rate near the edge, by majority; odd',
    group: 'Search',
  }),
  'search-measurements': flag.integer({
    default: 60,
    min: 1,
    max: 10_000,
    describe: 'Search: most measurements, after which it ends without having found the rate',
    group: 'Search',
  }),
  sweep: flag.string({
    default: '',
    placeholder: 'workers=1,2,4,8..64',
    describe:
      'One run for each value of workers, threads, rate, limit-rps or a number of the runner; a..b doubles, a..b:s steps',
    group: 'Search',
  }),
  calibrate: flag.boolean({
    default: false,
    describe:
      'First put the same load on a null server on this machine, to see what share of the latencies is the client',
    group: 'Client',
  }),
  'fail-if-client-bound': flag.boolean({
    default: false,
    describe: 'End with status 1 where the client was the limit; the result is written all the same',
    group: 'Client',
  }),
  'reporting-period': flag.duration({
    default: '1s',
    minMs: 10,
    describe: 'Length of a reporting window',
    group: 'Output',
  }),
  'json-out-file': flag.string({
    default: '',
    describe: 'Where to write the result as JSON',
    placeholder: 'path',
    group: 'Output',
  }),
  'output-file-stats-hdr-response-latency-hist': flag.string({
    default: '',
    describe: 'Where to write the latency distribution as HdrHistogram text, in ms',
    placeholder: 'path',
    group: 'Output',
  }),
  'print-responses': flag.boolean({
    default: false,
    describe: 'Print every answer on stdout',
    group: 'Output',
  }),
  description: flag.string({ default: '', describe: 'Words of yours, kept in the result', group: 'Output' }),
  'metadata-autobatching': flag.integer({
    default: -1,
    describe: "The server's batch size, as you set it there, kept in the result; -1 for unknown",
    group: 'Output',
  }),
  quiet: flag.boolean({ default: false, describe: 'No line a period and no progress', group: 'Output' }),
  debug: flag.integer({
    default: 0,
    min: 0,
    describe: 'Above 0: say on stderr what is being done',
    group: 'Output',
  }),
  cpuprofile: flag.string({
    default: '',
    describe: 'Where to write a V8 CPU profile of the first load thread',
    placeholder: 'path',
    group: 'Output',
  }),
  memprofile: flag.string({
    default: '',
    describe: 'Where to write a V8 heap profile of the first load thread',
    placeholder: 'path',
    group: 'Output',
  }),
} as const satisfies FlagSet;
