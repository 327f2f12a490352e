import { AibenchError, Random } from '@aibench/core';
import { AnswerFaults } from './faults/answer-faults.js';
import { type DelayDistribution, fixedDelay, parseDelayDistribution } from './faults/delay-distribution.js';
import { PreciseTimer } from './faults/precise-timer.js';
import { ServiceQueue } from './faults/service-queue.js';
import type { ReferenceServerFlags } from './flags.js';
import { InferenceEngine } from './inference/inference-engine.js';
import { readTlsFiles } from './net/tls-files.js';
import { readNullOutputs } from './null-outputs.js';
import { type AddressName, openPorts, type PortSettings } from './open-ports.js';
import { readProtocols } from './protocols.js';

/** A running reference server. */
export interface ReferenceServer {
  /** `host:port` of each port of the protocols that are served. */
  readonly addresses: Readonly<Partial<Record<AddressName, string>>>;
  /** Stops listening, ends all connections. */
  close(): Promise<void>;
}

/**
 * Starts the server: one engine behind every protocol's ports.
 *
 * @throws AIBENCH_USAGE for flags that don't go together, AIBENCH_CONNECTION when a port cannot be had, AIBENCH_INPUT
 *   when a TLS file cannot be read
 */
export async function startReferenceServer(
  flags: ReferenceServerFlags,
  version: string,
): Promise<ReferenceServer> {
  checkFlags(flags);
  const timer = new PreciseTimer();
  const settings: PortSettings = {
    flags,
    version,
    engine: newEngine(flags, timer),
    load: {
      nullModel: flags.nullModel,
      nullOutputs: readNullOutputs(flags.nullOutputShape),
      intraOpThreads: flags.intraOpThreads,
      interOpThreads: flags.interOpThreads,
    },
    tls: flags.tlsCert === '' ? undefined : readTlsFiles(flags.tlsCert, flags.tlsKey),
    faults: describeFaults(flags),
  };
  const ports = await openPorts(readProtocols(flags.protocols), settings);
  return {
    addresses: ports.addresses,
    async close() {
      timer.close();
      await ports.close();
    },
  };
}

function newEngine(flags: ReferenceServerFlags, timer: PreciseTimer): InferenceEngine {
  const service = new ServiceQueue({
    delay: readDelay(flags),
    stall: { stallMs: flags.stallMs, everyMs: flags.stallEveryMs, startMs: timer.now() },
    concurrency: flags.concurrency,
    random: new Random(flags.delaySeed),
    timer,
  });
  const faults = new AnswerFaults({ failEvery: flags.failEvery, wrongEvery: flags.wrongEvery });
  return new InferenceEngine({ nullModel: flags.nullModel, service, faults });
}

function readDelay({ delayMs, delayDistribution }: ReferenceServerFlags): DelayDistribution | undefined {
  if (delayDistribution !== '') return parseDelayDistribution(delayDistribution);
  return delayMs > 0 ? fixedDelay(delayMs) : undefined;
}

function checkFlags(flags: ReferenceServerFlags): void {
  if (flags.delayMs > 0 && flags.delayDistribution !== '') {
    throw new AibenchError('AIBENCH_USAGE', '--delay and --delay-distribution exclude each other', {
      hint: 'a distribution can have a fixed share: 90%:1ms,10%:5ms',
    });
  }
  if (flags.stallMs > 0 && flags.stallEveryMs <= flags.stallMs) {
    throw new AibenchError('AIBENCH_USAGE', '--stall must be shorter than --stall-every', {
      hint: 'write --stall 1s --stall-every 10s',
    });
  }
  if (flags.stallMs === 0 && flags.stallEveryMs > 0) {
    throw new AibenchError('AIBENCH_USAGE', '--stall-every needs --stall', {
      hint: 'write --stall 1s --stall-every 10s',
    });
  }
  if ((flags.tlsCert === '') !== (flags.tlsKey === '')) {
    throw new AibenchError('AIBENCH_USAGE', '--tls-cert and --tls-key go together');
  }
}

/** The flags that change answers, as far as they were used, for the server's self-description. */
function describeFaults(flags: ReferenceServerFlags): Record<string, string | number> {
  const faults: Record<string, string | number> = {
    null_model: flags.nullModel ? 1 : 0,
    delay_ms: flags.delayMs,
    delay_distribution: flags.delayDistribution.replaceAll(/\s/g, ''),
    stall_ms: flags.stallMs,
    stall_every_ms: flags.stallEveryMs,
    concurrency: flags.concurrency,
    fail_every: flags.failEvery,
    wrong_every: flags.wrongEvery,
  };
  return Object.fromEntries(Object.entries(faults).filter(([, value]) => value !== 0 && value !== ''));
}
