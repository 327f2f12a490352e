#!/usr/bin/env node
import { once } from 'node:events';
import { runCli, writeStdout } from '@aibench/harness/cli';
import { flags } from './flags.js';
import { productName } from './product-name.js';
import { startReferenceServer } from './reference-server.js';

await runCli({
  name: 'aibench-reference-server',
  summary: "Answers the protocols of model servers from one process: the suite's embedded default",
  packageUrl: import.meta.url,
  flags,
  examples: [
    'aibench-reference-server',
    'aibench-reference-server --protocols tfserving,triton --tfserving-models models --model-repository repository',
    'aibench-reference-server --protocols redis --redis-port 0 --null-model',
    'aibench-reference-server --delay-distribution 98%:2ms,2%:50ms --delay-seed 7',
    'aibench-reference-server --stall 1s --stall-every 10s',
  ],
  async run({ flags: values, signal, version }) {
    const server = await startReferenceServer(values, version);
    const { addresses } = server;
    await writeStdout(`${JSON.stringify({ product: productName, version, pid: process.pid, addresses })}\n`);
    if (!signal.aborted) {
      const ends = [once(signal, 'abort')];
      // The kernel closes that pipe however the program at its other end goes.
      if (values.untilStdinEnds) ends.push(once(process.stdin.resume(), 'close'));
      await Promise.race(ends);
    }
    await server.close();
    // A server that is told to stop and stops has done what it was asked to; for runCli a signal is an interrupt.
    process.exit(0);
  },
});
