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
 * Whether a run's own result warns a reader of one of its quantiles: it calls
 * itself client-bound, or says that latencies this high are partly its own. It
 * counts what held it up in ticks of the kernel, so its word is taken to half of
 * what a quantile leaves out.
 */
export function warnsOf(quantile: QuantileName, { client: { verdict } }: RunResult): boolean {
  const level = levels[quantile];
  return verdict.clientBound || verdict.trustedUpTo < level + (1 - level) / 2;
}

const levels: Readonly<Record<QuantileName, number>> = { p50Us: 0.5, p90Us: 0.9, p99Us: 0.99, p999Us: 0.999 };

/** What a reported quantile may err by, beside {@link toleranceShare} of it. */
export const toleranceUs = 300;

/** The share of a quantile that it may err by. */
export const toleranceShare = 0.05;

async function ask(address: string, ...command: readonly [string, ...string[]]): Promise<string> {
  const connection = await connectRedis(parseRedisAddress(address));
  try {
    return replyText(await connection.call(...command));
  } finally {
    await connection.close();
  }
}
