import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '@aibench/harness';
import { connectRedis, parseInfo, parseRedisAddress, replyText } from '@aibench/redis';
import { temporaryFolder } from '@aibench/testing';
import { runInference } from './loaded-server.test.fixture.js';

/** Every quantile that a result reports, but for p95, which servers don't tell. */
export const quantileNames = ['p50Us', 'p90Us', 'p99Us', 'p999Us'] as const;

/** One of them. */
export type QuantileName = (typeof quantileNames)[number];

/** What is reported of a distribution, us. */
export type Quantiles = Readonly<Record<QuantileName, number>>;

/** Runs the runner's binary; it has to succeed. */
export async function measure(
  address: string,
  dataFile: string,
  flags: readonly string[],
): Promise<RunResult> {
  const json = join(temporaryFolder(), 'result.json');
  const files = ['--file', dataFile, '--json-out-file', json];
  const { exitCode, stderr } = await runInference(['--host', address, ...files, ...flags]);
  if (exitCode !== 0) throw new Error(stderr);
  return (JSON.parse(readFileSync(json, 'utf8')) as { readonly Result: RunResult }).Result;
}

/** Has a reference server forget how long its commands took. */
export async function forgetServerTimes(address: string): Promise<void> {
  await ask(address, 'CONFIG', 'RESETSTAT');
}

/** How long a reference server took for each inference, by its own clock: from the request, once read, to the answer. */
export async function readServerTimes(address: string): Promise<Quantiles> {
  const info = parseInfo(await ask(address, 'INFO', 'latencystats'));
  const told = new Map(info).get('latency_percentiles_usec_ai.dagexecute') ?? '';
  const [p50Us, p90Us, p99Us, p999Us] = [...told.matchAll(/=([\d.]+)/g)].map(([, value]) => Number(value));
  if (p999Us === undefined) throw new Error(`no times of inferences in ${JSON.stringify([...info])}`);
  return { p50Us: p50Us!, p90Us: p90Us!, p99Us: p99Us!, p999Us };
}

/**
 * Whether a run's own result warns a reader of one of its quantiles: its clock
 * woke late at it or its event loop came late, or its threads had to wait for a
 * core, or, where the tail is concerned, it calls itself client-bound.
 */
export function warnsOf(quantile: QuantileName, { client }: RunResult): boolean {
  const isTail = quantile === 'p99Us' || quantile === 'p999Us';
  return (
    (isTail && client.verdict.clientBound) ||
    client.threads.some(
      ({ wakeLateness, timerLateness, cpu, durationMs }) =>
        wakeLateness[quantile] > toleranceUs ||
        timerLateness[quantile] > toleranceUs ||
        (cpu?.waitedMs ?? 0) > mostWaitedShare * durationMs,
    )
  );
}

/** What a reported quantile may err by, beside {@link toleranceShare} of it. */
export const toleranceUs = 300;

/** The share of a quantile that it may err by. */
export const toleranceShare = 0.05;

/** The share of a run that a thread may wait for a core before other programs show in its figures. */
const mostWaitedShare = 0.05;

async function ask(address: string, ...command: readonly [string, ...string[]]): Promise<string> {
  const connection = await connectRedis(parseRedisAddress(address));
  try {
    return replyText(await connection.call(...command));
  } finally {
    await connection.close();
  }
}
