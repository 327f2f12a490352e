import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BinaryOptions,
  type BinaryResult,
  type ReferenceServer,
  runBinary,
  startReferenceServer,
  temporaryFolder,
} from '@aibench/testing';

/** Runs a binary that has to succeed. */
export async function succeed(app: string, args: readonly string[]): Promise<BinaryResult> {
  const result = await runBinary(app, args);
  if (result.exitCode !== 0) throw new Error(`${app} ${args.join(' ')}: ${result.stderr}`);
  return result;
}

/** Makes a data file of the fraud use case, removed after the test. */
export async function makeDataFile(rows: number): Promise<string> {
  const path = join(temporaryFolder(), 'fraud.dat');
  await succeed('generate-data', ['--max-transactions', `${rows}`, '--seed', '1', '--output-file', path]);
  return path;
}

/** Starts a reference server with both fraud models and, where a data file is given, its reference data. */
export async function startLoadedServer(
  dataFile: string | undefined,
  args: readonly string[] = [],
): Promise<ReferenceServer> {
  const server = await startReferenceServer(args);
  await setUpServer(server.addresses.redis, dataFile);
  return server;
}

/** Gives a server both fraud models and reference data. */
export async function setUpServer(address: string, dataFile: string | undefined): Promise<void> {
  const host = ['--host', address];
  if (dataFile !== undefined) {
    await succeed('load-data', ['--redis-host', address, '--pipeline', '100', '--file', dataFile]);
  }
  await succeed('setup-model', host);
  await succeed('setup-model', [...host, '--enable-reference-data-redis']);
}

/** Runs the runner's binary without live output. */
export function runInference(args: readonly string[], options?: BinaryOptions): Promise<BinaryResult> {
  return runBinary('run-inference-redisai', ['--quiet', ...args], options);
}

/** What tests look at in a result file. */
export interface ResultFile {
  readonly Workers: number;
  readonly Totals: { readonly TotalQueries: number; readonly TotalErrors: number };
  readonly OverallRates: { readonly overallOpsRate: number };
  readonly OverallQuantiles: { readonly AllQueries: Readonly<Record<string, number>> };
  readonly ServerRunTimeStats: Readonly<Record<string, Readonly<Record<string, Record<string, unknown>>>>>;
  readonly Result: {
    readonly outcome: { readonly kind: string; readonly code?: string };
    readonly server: {
      readonly product: string;
      readonly isReference: boolean;
      readonly details: Readonly<Record<string, unknown>>;
    };
    readonly flags: Readonly<Record<string, unknown>>;
    readonly stages: Readonly<Record<string, unknown>>;
    readonly counts: {
      readonly sent: number;
      readonly answered: number;
      readonly failed: number;
      readonly cutOff: number;
      readonly measured: number;
      readonly burnIn: number;
      readonly verified: number;
      readonly mismatched: number;
      readonly reconnects: number;
      readonly failures: readonly { readonly code: string; readonly count: number }[];
    };
  };
}

/** Reads a result file. */
export function readResult(path: string): ResultFile {
  return JSON.parse(readFileSync(path, 'utf8')) as ResultFile;
}
