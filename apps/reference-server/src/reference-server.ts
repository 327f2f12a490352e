import { AibenchError, Random } from '@aibench/core';
import { AnswerFaults } from './faults/answer-faults.js';
import { type DelayDistribution, fixedDelay, parseDelayDistribution } from './faults/delay-distribution.js';
import { PreciseTimer } from './faults/precise-timer.js';
import { ServiceQueue } from './faults/service-queue.js';
import type { ReferenceServerFlags } from './flags.js';
import { InferenceEngine } from './inference/inference-engine.js';
import { RespServer } from './resp/resp-server.js';

/** A running reference server. */
export interface ReferenceServer {
  /** `host:port` by protocol. */
  readonly addresses: Readonly<Record<'redis', string>>;
  /** Stops listening, ends all connections. */
  close(): Promise<void>;
}

/**
 * Starts the server: one engine behind every protocol's port.
 *
 * @throws AIBENCH_USAGE for flags that don't go together, AIBENCH_CONNECTION when a port cannot be had
 */
export async function startReferenceServer(
  flags: ReferenceServerFlags,
  version: string,
): Promise<ReferenceServer> {
  checkFlags(flags);
  const timer = new PreciseTimer();
  const engine = newEngine(flags, timer);
  const resp = await RespServer.listen({
    engine,
    load: {
      nullModel: flags.nullModel,
      nullShapes: flags.nullOutputShape.map(readShape),
      intraOpThreads: flags.intraOpThreads,
      interOpThreads: flags.interOpThreads,
    },
    version,
    redisAiVersion: flags.redisaiVersion,
    password: flags.password,
    host: flags.host,
    port: flags.redisPort,
    tls: flags.tlsCert === '' ? undefined : { certificatePath: flags.tlsCert, keyPath: flags.tlsKey },
    faults: describeFaults(flags),
  });
  const host = flags.host.includes(':') ? `[${flags.host}]` : flags.host;
  return {
    addresses: { redis: `${host}:${resp.service.port}` },
    async close() {
      timer.close();
      await resp.close();
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

/** `1x2` as [1, 2]. */
function readShape(text: string): number[] {
  if (/^[1-9]\d{0,8}(x[1-9]\d{0,8})*$/.test(text)) return text.split('x').map(Number);
  throw new AibenchError('AIBENCH_USAGE', `--null-output-shape: "${text}" is no shape`, {
    hint: 'write extents with an x between them: 1x2',
  });
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
