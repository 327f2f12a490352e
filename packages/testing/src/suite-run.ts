import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BinaryOptions, type BinaryResult, runBinary } from './binary.js';
import { temporaryFolder } from './temporary-folder.js';

/** What tests look at in a result file. */
export interface ResultFile {
  readonly Workers: number;
  readonly Totals: {
    readonly TotalQueries: number;
    readonly TotalInferences: number;
    readonly TotalErrors: number;
  };
  readonly OverallRates: { readonly overallOpsRate: number };
  readonly OverallQuantiles: { readonly AllQueries: Readonly<Record<string, number>> };
  readonly ServerRunTimeStats: Readonly<Record<string, Readonly<Record<string, Record<string, number>>>>>;
  readonly Result: {
    readonly outcome: { readonly kind: string; readonly code?: string; readonly status?: string };
    readonly server: {
      readonly product: string;
      readonly version: string;
      readonly isReference: boolean;
      readonly details: Readonly<Record<string, unknown>>;
    };
    readonly useCase: string;
    readonly dataSettings?: Readonly<Record<string, unknown>>;
    readonly flags: Readonly<Record<string, unknown>>;
    readonly rates: { readonly measuredPerSecond: number; readonly measuredRowsPerSecond: number };
    readonly stages: Readonly<Record<string, unknown>>;
    readonly client: { readonly calibration?: { readonly answeredPerSecond: number } };
    readonly windows: readonly { readonly answered: number }[];
    readonly counts: {
      readonly sent: number;
      readonly answered: number;
      readonly answeredRows: number;
      readonly failed: number;
      readonly cutOff: number;
      readonly measured: number;
      readonly burnIn: number;
      readonly verified: number;
      readonly mismatched: number;
      readonly reconnects: number;
      readonly failures: readonly {
        readonly code: string;
        readonly status?: string;
        readonly count: number;
        readonly firstMessage: string;
      }[];
    };
  };
}

/** How a runner's binary ended, and the result file that it left, if any. */
export interface RunOutcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The result file as it is written. */
  readonly text: string | undefined;
  readonly file: ResultFile | undefined;
  readonly result: ResultFile['Result'] | undefined;
}

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

/** Makes a data file of drawn images, with the right answers beside it, removed after the test. */
export async function makeImageFile(images: number, ...flags: readonly string[]): Promise<string> {
  const path = join(temporaryFolder(), 'images.dat');
  await succeed('generate-data', [
    ...['--use-case', 'vision-image-classification', '--synthetic', `${images}`, '--seed', '1'],
    ...['--with-expected', '--output-file', path, ...flags],
  ]);
  return path;
}

/** Gives a Redis the reference data of a data file. */
export async function loadReferences(address: string, dataFile: string): Promise<void> {
  const data = ['--set-tensor=false', '--pipeline', '100', '--file', dataFile];
  await succeed('load-data', ['--redis-host', address, ...data]);
}

/** Runs a runner's binary without live output and with a result file, which is there unless nothing was sent. */
export async function runWithResult(
  app: string,
  args: readonly string[],
  options?: BinaryOptions,
): Promise<RunOutcome> {
  const json = join(temporaryFolder(), 'result.json');
  const ended = await runBinary(app, ['--quiet', ...args, '--json-out-file', json], options);
  const text = existsSync(json) ? readFileSync(json, 'utf8') : undefined;
  const file = text === undefined ? undefined : (JSON.parse(text) as ResultFile);
  const { exitCode, stderr, stdout } = ended;
  return { exitCode, stderr, stdout: stdout.toString(), text, file, result: file?.Result };
}

/** Reads a result file. */
export function readResult(path: string): ResultFile {
  return JSON.parse(readFileSync(path, 'utf8')) as ResultFile;
}

/** The windows of a run, `+` where something was answered in one and `-` where nothing was. */
export function answeredWindows({ windows }: Pick<ResultFile['Result'], 'windows'>): string {
  return windows.map(({ answered }) => (answered > 0 ? '+' : '-')).join('');
}
