import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { binaryPath, repositoryRoot, runBinary, startBinary, temporaryFolder } from '@aibench/testing';
import type { DataManifest } from '@aibench/usecases';
import { describe, expect, it } from 'vitest';

const rowSizeBytes = 1152;
const fixtures = join(repositoryRoot, 'fixtures', 'creditcard-fraud');
const sampleCsv = join(fixtures, 'creditcard-200.csv');

const generate = (...args: string[]) => runBinary('generate-data', args);

/** Runs a line of shell; `GENERATE` in it is the binary. */
function shell(line: string, cwd = temporaryFolder()) {
  const binary = `'${process.execPath}' '${binaryPath('generate-data')}'`;
  const script = `set -o pipefail; ${line.replaceAll('GENERATE', binary)}`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd, maxBuffer: 2 ** 30 });
  return { status, stdout, stderr: stderr.toString() };
}

const lines = (text: string) => text.trimEnd().split('\n');
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

function readManifest(dataPath: string): DataManifest {
  return JSON.parse(readFileSync(`${dataPath}.manifest.json`, 'utf8')) as DataManifest;
}

describe('aibench-generate-data', () => {
  it('writes the same bytes to stdout and to a file, with a manifest beside the file', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'f.dat');
    const piped = await generate('--seed', '5', '--max-transactions', '1000');
    const filed = await generate('-seed=5', '-max-transactions=1000', `-output-file=${path}`);
    expect(piped).toMatchObject({ exitCode: 0 });
    expect(filed).toMatchObject({ exitCode: 0 });
    expect(filed.stdout.length).toBe(0);
    expect(piped.stdout.length).toBe(1000 * rowSizeBytes);
    expect(readFileSync(path).equals(piped.stdout)).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['f.dat', 'f.dat.manifest.json']);
    expect(readManifest(path)).toMatchObject({
      manifestVersion: 1,
      useCase: 'creditcard-fraud',
      format: 'redisai',
      rows: 1000,
      rowSizeBytes,
      sizeBytes: 1000 * rowSizeBytes,
      sha256: sha256(piped.stdout),
      seed: 5,
      source: 'synthetic',
      group: { id: 0, count: 1 },
    });
    expect(filed.stderr).toMatch(/statistics of the Kaggle data set, seed 5\n/);
    expect(filed.stderr).toMatch(/: 1,000 rows, 1,152,000 bytes in \d+\.\d\d s \([\d,]+ rows\/s\)\n$/);
  });

  it('makes one pass where no number of rows is given', async () => {
    const { stdout } = await generate('--seed', '5', '--input-file', sampleCsv);
    expect(stdout.length).toBe(200 * rowSizeBytes);
    const all = await generate('--seed', '5', '--quiet');
    expect(all.stdout.length).toBe(284_807 * rowSizeBytes);
    expect(all.stderr).toBe('');
  });

  it.each([
    ['drawn', []],
    ['CSV', ['--input-file', sampleCsv]],
  ])('makes the same rows with 1 and 4 threads and in groups, %s', async (_, input) => {
    const args = ['--seed', '9', '--max-transactions', '3000', ...input];
    const { stdout: whole } = await generate(...args, '--threads', '1');
    expect(whole.length).toBe(3000 * rowSizeBytes);
    expect((await generate(...args, '--threads', '4')).stdout.equals(whole)).toBe(true);
    const groups = await Promise.all(
      ['0', '1', '2'].map(async (id) => {
        const group = ['-interleaved-generation-groups', '3', '-interleaved-generation-group-id', id];
        return (await generate(...args, ...group)).stdout;
      }),
    );
    const woven = Array.from({ length: 3000 }, (_, id) => {
      const start = Math.floor(id / 3) * rowSizeBytes;
      return groups[id % 3]!.subarray(start, start + rowSizeBytes);
    });
    expect(Buffer.concat(woven).equals(whole)).toBe(true);
  });

  it('tells a seed from the clock, which then gives the same bytes', async () => {
    const path = join(temporaryFolder(), 'f.dat');
    const first = await generate('--max-transactions', '50', '--output-file', path);
    const [, seed] = /pass --seed (\d+) for the same data/.exec(first.stderr) ?? [];
    expect(readManifest(path).seed).toBe(Number(seed));
    const again = await generate('--max-transactions', '50', '--seed', seed!);
    expect(again.stdout.equals(readFileSync(path))).toBe(true);
  });

  it('reads gzip by its content, and a pipe', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'cards.csv'), gzipSync(readFileSync(sampleCsv)));
    const { stdout } = await generate('--seed', '5', '--input-file', sampleCsv);
    const zipped = await generate('--seed', '5', '--input-file', join(folder, 'cards.csv'));
    expect(zipped.stdout.equals(stdout)).toBe(true);
    const piped = shell(`cat '${sampleCsv}' | GENERATE --seed 5 --input-file /dev/stdin`);
    expect(piped.stdout.equals(stdout)).toBe(true);
  });

  it('names the source in the manifest', async () => {
    const path = join(temporaryFolder(), 'f.dat');
    await generate('--input-file', sampleCsv, '--output-file', path, '--seed', '-3');
    expect(readManifest(path)).toMatchObject({ source: sampleCsv, rows: 200, seed: -3, maxTransactions: 0 });
  });

  it('stays below 250 MB with 4 threads', async () => {
    const args = [
      '--max-transactions',
      '500000',
      '--threads',
      '4',
      '--debug',
      '1',
      '--output-file',
      '/dev/null',
    ];
    const { stderr, exitCode } = await generate(...args);
    expect(exitCode).toBe(0);
    const [, peakMb] = /peak resident memory (\d+) MB/.exec(stderr) ?? [];
    expect(Number(peakMb)).toBeGreaterThan(10);
    expect(Number(peakMb)).toBeLessThan(250);
  });

  it('writes a CPU profile in which the rows are made, and the same bytes', async () => {
    const path = join(temporaryFolder(), 'run.cpuprofile');
    const args = ['--seed', '5', '--max-transactions', '3000'];
    const { stdout, exitCode } = await generate(...args, '-profile-file', path);
    expect(exitCode).toBe(0);
    expect(stdout.equals((await generate(...args)).stdout)).toBe(true);
    const { nodes } = JSON.parse(readFileSync(path, 'utf8')) as {
      nodes: { callFrame: { functionName: string } }[];
    };
    expect(nodes.map(({ callFrame }) => callFrame.functionName)).toContain('drawReference');
  });
});

describe('in a pipeline', () => {
  it('ends with one line when its reader leaves', () => {
    const { status, stdout, stderr } = shell(
      `GENERATE --seed 1 --max-transactions 1000000 | head -c ${rowSizeBytes}; exit \${PIPESTATUS[0]}`,
    );
    expect(status).toBe(1);
    expect(stdout.length).toBe(rowSizeBytes);
    expect(lines(stderr)).toEqual([
      expect.stringMatching(/drawing rows/),
      'aibench-generate-data: cannot write stdout: the reader has closed the pipe',
    ]);
  });

  it('feeds tee and split, and cat puts the parts together', () => {
    const folder = temporaryFolder();
    const { status, stdout } = shell(
      `GENERATE --seed 1 --max-transactions 100 | tee f.dat | split -b ${30 * rowSizeBytes} - part. && cat part.* && GENERATE --seed 1 --max-transactions 100 --output-file g.dat`,
      folder,
    );
    expect(status).toBe(0);
    expect(stdout.equals(readFileSync(join(folder, 'f.dat')))).toBe(true);
    expect(stdout.equals(readFileSync(join(folder, 'g.dat')))).toBe(true);
    expect(readdirSync(folder).filter((name) => name.startsWith('part.')).length).toBe(4);
  });

  it('writes to a named pipe, without a manifest', () => {
    const folder = temporaryFolder();
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    const { stdout } = shell(
      'GENERATE --seed 1 --max-transactions 100 --output-file pipe & cat pipe; wait',
      folder,
    );
    expect(stdout.length).toBe(100 * rowSizeBytes);
    expect(readdirSync(folder)).toEqual(['pipe']);
  });
});

describe('an interrupt', () => {
  it('leaves nothing half-written, and older data as it was', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'f.dat');
    await generate('--seed', '5', '--max-transactions', '10', '--output-file', path);
    const before = readdirSync(folder).map((name) => sha256(readFileSync(join(folder, name))));
    const args = ['--seed', '6', '--max-transactions', '100000000', '--output-file', path, '--debug', '2'];
    const running = startBinary('generate-data', args);
    await running.waitFor(/\d{4} rows/);
    expect(readdirSync(folder).length).toBe(3);
    running.kill('SIGINT');
    const { exitCode, stderr } = await running.ended;
    expect(exitCode).toBe(130);
    expect(lines(stderr).at(-1)).toBe('aibench-generate-data: interrupted');
    expect(stderr.match(/interrupted/g)?.length).toBe(1);
    expect(readdirSync(folder).map((name) => sha256(readFileSync(join(folder, name))))).toEqual(before);
  });
});

describe('bad input', () => {
  const badRow = readFileSync(sampleCsv, 'utf8').split('\n');
  badRow[120] = badRow[120]!.replace(/^[^,]*,[^,]*/, '1,oops');
  const folder = temporaryFolder();
  const write = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  const zipped = gzipSync(readFileSync(sampleCsv));

  it.each<[string, readonly string[], number, RegExp]>([
    [
      'a bad cell',
      ['--input-file', write('bad.csv', badRow.join('\n'))],
      1,
      /bad\.csv line 121, column V1: "oops" is no number/,
    ],
    [
      'a missing file',
      ['--input-file', join(folder, 'none.csv')],
      1,
      /none\.csv: there is no such file \(see --input-file\)/,
    ],
    ['a folder', ['--input-file', folder], 1, /it is a folder/],
    ['an empty file', ['--input-file', write('empty.csv', '')], 1, /empty\.csv is empty/],
    ['only a header', ['--input-file', write('head.csv', `${badRow[0]}\n`)], 1, /head\.csv holds no rows/],
    [
      'no header',
      ['--input-file', write('rows.csv', badRow.slice(1).join('\n'))],
      1,
      /rows\.csv line 1: no header row/,
    ],
    [
      'gzip that is cut off',
      ['--input-file', write('cut.gz', zipped.subarray(0, 9000))],
      1,
      /cut\.gz: its gzip data is cut off/,
    ],
    [
      'a missing folder',
      ['--output-file', join(folder, 'none', 'f.dat')],
      1,
      /cannot write .*its folder does not exist/,
    ],
    ['a folder as output', ['--output-file', folder], 1, /cannot write .*it is a folder/],
    ['a full disk', ['--output-file', '/dev/full'], 1, /cannot write \/dev\/full: the disk is full/],
    [
      'an unknown use case',
      ['--use-case', 'vison'],
      2,
      /there is no use case "vison" \(--use-case takes .*creditcard-fraud/,
    ],
    ['another format', ['--format', 'csv'], 2, /--format: "csv" is none of redisai/],
    [
      'a group beyond the groups',
      ['--interleaved-generation-group-id', '3', '--interleaved-generation-groups', '3'],
      2,
      /group-id 3 is not below the number of groups, 3/,
    ],
    ['a negative number of rows', ['--max-transactions', '-1'], 2, /--max-transactions/],
    ['an unknown flag', ['--max-transaction', '1'], 2, /--max-transactions/],
  ])('%s is told in one line', async (_, args, status, message) => {
    const before = readdirSync(folder);
    const { exitCode, stderr, stdout } = await generate('--seed', '1', ...args);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(status);
    expect(stderr).not.toMatch(/^\s+at /m);
    const errors = lines(stderr).filter((line) => !/, seed 1$|: see --help$/.test(line));
    expect(errors.length).toBe(1);
    expect(stdout.length % rowSizeBytes).toBe(0);
    expect(readdirSync(folder)).toEqual(before);
  });

  it('a pipe that holds too few rows is told', () => {
    const { status, stderr } = shell(
      `cat '${sampleCsv}' | GENERATE --seed 1 --max-transactions 300 --input-file /dev/stdin --output-file f.dat; status=$?; ls; exit $status`,
    );
    expect(status).toBe(1);
    expect(stderr).toMatch(/held 200 rows and, being no regular file, cannot be read again/);
  });
});

describe('the sample CSV', () => {
  it('is what its script makes', () => {
    const made = execFileSync(process.execPath, [join(fixtures, 'make-csv.mjs'), '200', '1', '0.05']);
    expect(existsSync(sampleCsv)).toBe(true);
    expect(made.equals(readFileSync(sampleCsv))).toBe(true);
  });
});
