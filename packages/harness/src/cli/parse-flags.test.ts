import { AibenchError } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FlagSet, flag } from './flags.js';
import { nearestName, parseFlags } from './parse-flags.js';

const flags = {
  workers: flag.integer({ default: 8, min: 1, describe: 'Concurrent requests' }),
  'limit-rps': flag.number({ default: 0, min: 0, describe: 'Rate' }),
  'metadata-autobatching': flag.integer({ default: -1, describe: 'Recorded' }),
  'reporting-period': flag.duration({ default: '1s', describe: 'Period' }),
  'ignore-errors': flag.boolean({ default: false, describe: 'Go on' }),
  'set-blob': flag.boolean({ default: true, describe: 'Blobs' }),
  file: flag.string({ default: '', describe: 'Input', placeholder: 'path', aliases: ['input'] }),
  host: flag.list({ default: ['127.0.0.1'], describe: 'Hosts' }),
  header: flag.texts({ describe: 'Headers' }),
  backend: flag.choice(['TF', 'ONNX'], { default: 'ONNX', describe: 'Back end' }),
} as const satisfies FlagSet;

const command = {
  name: 'aibench-test',
  summary: 'tests',
  examples: ['aibench-test --file a.dat'],
  version: '1.2.3',
};

async function values(...args: string[]) {
  const parsed = await parseFlags(flags, args, command);
  if (parsed.kind !== 'run') throw new Error(`printed: ${parsed.text}`);
  return parsed.values;
}

async function usageError(...args: string[]): Promise<string> {
  const error = await parseFlags(flags, args, command).catch((cause: unknown) => cause);
  if (!(error instanceof AibenchError) || error.code !== 'AIBENCH_USAGE')
    throw new Error(`no usage error: ${error}`);
  return `${error.message} / ${error.hint ?? ''}`;
}

describe('parseFlags', () => {
  it('gives every flag its default', async () => {
    expect(await values()).toEqual({
      workers: 8,
      limitRps: 0,
      metadataAutobatching: -1,
      reportingPeriodMs: 1000,
      ignoreErrors: false,
      setBlob: true,
      file: '',
      host: ['127.0.0.1'],
      header: [],
      backend: 'ONNX',
    });
  });

  it('keeps every text of a flag that may be given several times', async () => {
    const { header } = await values('--header', 'A: 1, 2', '-header=B: x=y', '--header', '', '--header', 'C');
    expect(header).toEqual(['A: 1, 2', 'B: x=y', '', 'C']);
    expect(await usageError('--header', 'A\nB')).toContain('a line break');
  });

  it('takes the last of a flag that is given twice', async () => {
    const twice = [
      '--host',
      'a,b',
      '--host',
      'c',
      '--ignore-errors',
      '--ignore-errors=false',
      '--set-blob=0',
    ];
    expect(await values(...twice, '--set-blob')).toMatchObject({
      ...{ host: ['c'], ignoreErrors: false, setBlob: true },
    });
  });

  it.each([
    ['--workers=4'],
    ['--workers', '4'],
    ['-workers=4'],
    ['-workers', '4'],
    ['-workers', '9', '--workers=4'],
  ])('reads %s %s as GNU and Go write it', async (...args) => {
    expect((await values(...args)).workers).toBe(4);
  });

  it.each([
    [['-ignore-errors'], true],
    [['--ignore-errors'], true],
    [['-ignore-errors=true'], true],
    [['--ignore-errors=1'], true],
    [['-ignore-errors=false'], false],
    [['--ignore-errors=F'], false],
  ])('reads the boolean %s', async (args, expected) => {
    expect((await values(...args)).ignoreErrors).toBe(expected);
  });

  it('does not take the next flag for the value of a boolean', async () => {
    expect(await values('-ignore-errors', '-workers', '3', '-set-blob=false')).toMatchObject({
      ignoreErrors: true,
      workers: 3,
      setBlob: false,
    });
  });

  it('reads negative numbers, empty texts, lists, durations, choices and aliases', async () => {
    expect(await values('-metadata-autobatching', '-1', '--file=')).toMatchObject({
      metadataAutobatching: -1,
      file: '',
    });
    expect(await values('--metadata-autobatching=-7')).toMatchObject({ metadataAutobatching: -7 });
    expect(await values('--host', 'a, b,,c')).toMatchObject({ host: ['a', 'b', 'c'] });
    expect(await values('-reporting-period', '1m30s')).toMatchObject({ reportingPeriodMs: 90_000 });
    expect(await values('--backend', 'tf')).toMatchObject({ backend: 'TF' });
    expect(await values('--input', '007')).toMatchObject({ file: '007' });
  });

  it('says which flags the user gave', async () => {
    const parsed = await parseFlags(flags, ['-workers', '8', '--input=x'], command);
    expect(parsed).toMatchObject({ kind: 'run', given: new Set(['workers', 'file']) });
  });

  it.each([
    [['--wrokers', '4'], '--wrokers', '--workers'],
    [['-limit_rps=4'], '--limit_rps', '--limit-rps'],
    [['--ignore-error'], '--ignore-error', '--ignore-errors'],
    [['--zzzz'], '--zzzz', '--help'],
    // yargs takes these for --file and --workers, and would set nothing.
    [['--file-x', 'a.dat'], '--file-x', '--file'],
    [['--workers-', '4'], '--workers-', '--workers'],
    [['-workers-per=4'], '--workers-per', '--workers'],
    [['--workers.x', '4'], '--workers.x', '--workers'],
    [['--input-file', 'a.dat'], '--input-file', '--help'],
  ])('names the flag nearest to %s', async (args, wrong, nearest) => {
    expect(await usageError(...args)).toContain(wrong);
    expect(await usageError(...args)).toContain(nearest);
  });

  it.each([
    [['--workers', 'many'], '--workers: "many" is no whole number'],
    [['--workers', '0'], '--workers: 0 is below 1'],
    [['--workers', '1.5'], '--workers: "1.5" is no whole number'],
    [['--limit-rps', '0x10'], '--limit-rps: "0x10" is no number'],
    [['--reporting-period', '1'], '--reporting-period: "1" is no duration'],
    [['--reporting-period=-1s'], '--reporting-period: -1s is below 0s'],
    [['--backend', 'TORCH'], '"TORCH" is none of TF, ONNX'],
    [['--set-blob=maybe'], '--set-blob: "maybe" is neither true nor false'],
    [['data.dat'], '"data.dat" is not expected here'],
    [['--file'], '--file needs a value'],
    [['--file', '--workers', '3'], '--file needs a value'],
  ])('rejects %s with a clear line', async (args, line) => {
    expect(await usageError(...args)).toContain(line);
  });

  it('prints help with every flag and its default, and the version', async () => {
    const help = await parseFlags(flags, ['--help'], command);
    if (help.kind !== 'print') throw new Error('no help');
    for (const name of Object.keys(flags)) expect(help.text).toContain(`--${name}`);
    expect(help.text).toContain('--workers <n>');
    expect(help.text).toContain('aibench-test --file a.dat');
    expect(await parseFlags(flags, ['--version'], command)).toEqual({
      kind: 'print',
      text: 'aibench-test 1.2.3\n',
    });
  });

  it('reads any whole number back, in all four spellings', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.maxSafeInteger(),
        fc.constantFrom('-', '--'),
        fc.boolean(),
        async (n, dashes, joined) => {
          const name = `${dashes}metadata-autobatching`;
          const read = await values(...(joined ? [`${name}=${n}`] : [name, String(n)]));
          expect(read.metadataAutobatching).toBe(n);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('nearestName', () => {
  it('finds a name within a few edits or by its beginning, and no other', () => {
    expect(nearestName('work', ['file', 'workers'])).toBe('workers');
    expect(nearestName('quite-different', ['file', 'workers'])).toBeUndefined();
  });
});
