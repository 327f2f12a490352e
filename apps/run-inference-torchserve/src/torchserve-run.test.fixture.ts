import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BinaryOptions, type BinaryResult, runBinary, temporaryFolder } from '@aibench/testing';

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

/** A model store with the fraud models, with and without reference data, removed after the test. */
export async function makeModelStore(): Promise<string> {
  const folder = temporaryFolder();
  const place = ['--server', 'torchserve', '--output-dir', folder];
  await succeed('setup-model', place);
  await succeed('setup-model', [...place, '--enable-reference-data-redis']);
  return folder;
}

/** Gives a Redis the reference data of a data file. */
export async function loadReferences(address: string, dataFile: string): Promise<void> {
  const data = ['--set-tensor=false', '--pipeline', '100', '--file', dataFile];
  await succeed('load-data', ['--redis-host', address, ...data]);
}

/** Runs the runner's binary without live output. */
export function runInference(args: readonly string[], options?: BinaryOptions): Promise<BinaryResult> {
  return runBinary('run-inference-torchserve', ['--quiet', ...args], options);
}

/** Runs it with a result file, which is there whatever becomes of the run, unless nothing was sent. */
export async function runWithResult(args: readonly string[], options?: BinaryOptions) {
  const json = join(temporaryFolder(), 'result.json');
  const { exitCode, stderr, stdout } = await runInference([...args, '--json-out-file', json], options);
  const text = existsSync(json) ? readFileSync(json, 'utf8') : undefined;
  const file = text === undefined ? undefined : (JSON.parse(text) as ResultFile);
  return { exitCode, stderr, stdout: stdout.toString(), text, file, result: file?.Result };
}

/** What tests look at in a result file. */
export interface ResultFile {
  readonly ServerRunTimeStats: Readonly<Record<string, Readonly<Record<string, Record<string, number>>>>>;
  readonly Result: {
    readonly outcome: { readonly kind: string; readonly code?: string; readonly status?: string };
    readonly server: {
      readonly product: string;
      readonly version: string;
      readonly isReference: boolean;
      readonly details: Readonly<Record<string, unknown>>;
    };
    readonly flags: Readonly<Record<string, unknown>>;
    readonly stages: Readonly<Record<string, unknown>>;
    readonly client: { readonly calibration?: { readonly answeredPerSecond: number } };
    readonly windows: readonly { readonly answered: number }[];
    readonly counts: {
      readonly sent: number;
      readonly answered: number;
      readonly failed: number;
      readonly cutOff: number;
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

/** The windows of a run, `+` where something was answered in one and `-` where nothing was. */
export function answeredWindows({ windows }: ResultFile['Result']): string {
  return windows.map(({ answered }) => (answered > 0 ? '+' : '-')).join('');
}

/** Reads a result file. */
export function readResult(path: string): ResultFile {
  return JSON.parse(readFileSync(path, 'utf8')) as ResultFile;
}
