#!/usr/bin/env node
import { runCli } from '@aibench/harness/cli';
import { commonFlags, defaultServer } from './flags.js';
import { loadModelSetup, serverNames } from './server-modules.js';
import { setUpModel } from './set-up-model.js';

// Which flags there are depends on the server, so that one is looked for first; a name that is wrong fails as a flag.
const named = /(?:^|\n)--?server[=\n]([^\n]*)/.exec(process.argv.slice(2).join('\n'))?.[1] ?? defaultServer;
const server = serverNames().find((name) => name === named.toLowerCase()) ?? defaultServer;
const setup = await loadModelSetup(server);

await runCli({
  name: 'aibench-setup-model',
  summary: 'puts a model where a server finds it, and sees that it answers',
  packageUrl: import.meta.url,
  flags: { ...commonFlags, ...setup.flags },
  examples: [
    ...(setup.examples ?? []),
    `aibench-setup-model --server ${server} --enable-reference-data-redis --output-dir models`,
  ],
  run: (context) => setUpModel(setup, context),
});
