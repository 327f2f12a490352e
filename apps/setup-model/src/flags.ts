import { type FlagSet, flag } from '@aibench/harness/cli';
import { defaultUseCaseName } from '@aibench/usecases';
import { loadModelSetup, serverNames } from './server-modules.js';

/** The server that models are set up for when the user names none. */
export const defaultServer = 'redisai';

/** The flags that do not depend on the server. */
export const commonFlags = {
  server: flag.choice(serverNames(), { default: defaultServer, describe: 'Kind of server' }),
  'use-case': flag.string({
    default: defaultUseCaseName,
    placeholder: 'name',
    describe: 'Use case whose model it is',
  }),
  'enable-reference-data-redis': flag.boolean({
    default: false,
    describe: 'Set up the model that also gets reference data',
  }),
  model: flag.string({
    default: '',
    placeholder: 'name',
    describe: "Name of the model on the server; without it, the use case's own",
  }),
  'model-file': flag.string({
    default: '',
    placeholder: 'path',
    describe: "A trained model of your own, with the use case's inputs and outputs, in place of the suite's",
  }),
  'as-is': flag.boolean({
    default: false,
    describe:
      'Give the server the file of --model-file unchanged; otherwise, of an image model, its weights are written in the network and the format of the server',
  }),
  'output-dir': flag.string({
    default: '',
    placeholder: 'path',
    describe: 'Folder to write the model into, as the server loads it; no server is asked then',
  }),
} as const satisfies FlagSet;

/** The flags for all servers, and those of each, for the documentation; a command line takes those of one server. */
export const flagSets: readonly FlagSet[] = [
  commonFlags,
  ...(await Promise.all(serverNames().map(async (name) => (await loadModelSetup(name)).flags))),
];
