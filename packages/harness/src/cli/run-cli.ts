import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { AibenchError, errorLine, exitCode, exitCodeOf } from '@aibench/core';
import type { FlagSet, FlagValues } from './flags.js';
import { parseFlags } from './parse-flags.js';

/** A binary of the suite. */
export interface Command<F extends FlagSet> {
  /** As it is typed: `aibench-load-data`. */
  readonly name: string;
  /** One line for help. */
  readonly summary: string;
  /** `import.meta.url` of the main file; the version is read from the package it lies in. */
  readonly packageUrl: string;
  readonly flags: F;
  /** Command lines for the end of help, that can be pasted. Default: none. */
  readonly examples?: readonly string[];
  /**
   * Does the work. Throw an AibenchError to fail.
   *
   * @returns an exit status; nothing is 0
   */
  run(context: CommandContext<F>): Promise<void> | Promise<number>;
}

/** What a command's work is given. */
export interface CommandContext<F extends FlagSet> {
  readonly flags: FlagValues<F>;
  /** Names of the flags that the user gave, aliases resolved. */
  readonly given: ReadonlySet<string>;
  readonly version: string;
  /** Aborted by the first SIGINT or SIGTERM: finish tidily. A second one ends the process at once. */
  readonly signal: AbortSignal;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/**
 * Runs a binary: reads its flags, does its work, ends the process. Exit status
 * 0 ok, 1 failed, 2 usage, 130 interrupted. An error is one line on stderr;
 * AIBENCH_DEBUG=1 in the environment adds its stack.
 */
export async function runCli<F extends FlagSet>(command: Command<F>): Promise<never> {
  const { stdout, stderr } = process;
  // Without a listener a reader that leaves early (head) would end the process with a stack trace.
  stdout.on('error', () => undefined);
  stderr.on('error', () => undefined);
  // What is thrown where nobody waits for it is a bug, and still no reason for a page of stack.
  process.on('uncaughtException', (error) => {
    report(command.name, error);
    process.exit(exitCode.failed);
  });
  const interrupt = new AbortController();
  let status: number;
  try {
    const version = packageVersion(command.packageUrl);
    const text = { name: command.name, summary: command.summary, examples: command.examples ?? [], version };
    const parsed = await parseFlags(command.flags, process.argv.slice(2), text);
    if (parsed.kind === 'print') {
      stdout.write(parsed.text);
      status = exitCode.ok;
    } else {
      abortOnSignal(interrupt);
      const { values, given } = parsed;
      const { signal } = interrupt;
      const result = await command.run({ flags: values, given, version, signal, stdout, stderr });
      status = result ?? exitCode.ok;
      if (signal.aborted && status === exitCode.ok) status = exitCode.interrupted;
    }
  } catch (error) {
    report(command.name, error);
    status = interrupt.signal.aborted ? exitCode.interrupted : exitCodeOf(error);
  }
  await Promise.all([flush(stdout), flush(stderr)]);
  // Not process.exitCode: a connection or a thread left open must not keep a finished binary alive.
  process.exit(status);
}

function abortOnSignal(interrupt: AbortController): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (interrupt.signal.aborted) process.exit(exitCode.interrupted);
      interrupt.abort(new AibenchError('AIBENCH_INTERRUPTED', 'interrupted'));
    });
  }
}

function report(name: string, error: unknown): void {
  const { stderr, env } = process;
  const isForeseen = error instanceof AibenchError && error.code !== 'AIBENCH_UNKNOWN';
  const isDebugged = env['AIBENCH_DEBUG'] === '1';
  const advice = isForeseen || isDebugged ? '' : ' (unexpected; AIBENCH_DEBUG=1 shows where)';
  stderr.write(`${name}: ${errorLine(error)}${advice}\n`);
  if (error instanceof AibenchError && error.code === 'AIBENCH_USAGE' && error.hint === undefined)
    stderr.write(`${name}: see --help\n`);
  // With the stack and whatever caused it.
  if (isDebugged) stderr.write(`${inspect(error)}\n`);
}

function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else stream.write('', () => resolve());
  });
}

/** Version of the package that a file lies in: the `package.json` nearest above it. */
export function packageVersion(fileUrl: string): string {
  let folder = dirname(fileURLToPath(fileUrl));
  for (;;) {
    try {
      const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        version: string;
      };
      return version;
    } catch (cause) {
      const parent = dirname(folder);
      if (parent === folder) throw new Error(`no package.json above ${fileUrl}`, { cause });
      folder = parent;
    }
  }
}
