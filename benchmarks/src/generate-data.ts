/**
 * Makes the fraud data file with aibench-generate-data, drawn and from a CSV of
 * the Kaggle file's form, with one thread and with one a core; prints rows/s,
 * MB/s and peak memory of the whole process, start included.
 *
 *     node benchmarks/dist/generate-data.js [--rows 284807] [--rounds 3] [--go-binary path]
 *
 * The yardstick is `openssl enc -aes-128-ctr`, which writes as many pseudo-random
 * bytes to the same disk and does nothing else: a ratio of 1 means that rows
 * cost no more than random bytes can. With `--go-binary`, the Go suite's
 * aibench_generate_data reads the same CSV.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot, runBinary, temporaryFolder } from '@aibench/testing';

interface Figure {
  readonly seconds: number;
  /** Undefined where it is not measured. */
  readonly peakMb?: number | undefined;
}

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '284807' },
    rounds: { type: 'string', default: '3' },
    'go-binary': { type: 'string' },
  },
});
const rows = Number(options.rows);
const rounds = Number(options.rounds);
const goBinary = options['go-binary'];
const sizeBytes = rows * 1152;

const folder = temporaryFolder();
const csv = join(folder, 'creditcard.csv');
const output = join(folder, 'fraud.dat');
const makeCsv = join(repositoryRoot, 'fixtures', 'creditcard-fraud', 'make-csv.mjs');
shell(`'${process.execPath}' '${makeCsv}' ${rows} > '${csv}'`);

const drawn = ['--max-transactions', String(rows)];
const fromCsv = ['--input-file', csv];
const threads = [...new Set([1, availableParallelism()])];
const contenders: { readonly name: string; readonly run: () => Promise<Figure> | Figure }[] = [
  { name: 'openssl aes-128-ctr', run: runOpenssl },
  ...threads.map((count) => ({ name: `drawn, threads: ${count}`, run: () => runOurs(drawn, count) })),
  ...threads.map((count) => ({ name: `CSV, threads: ${count}`, run: () => runOurs(fromCsv, count) })),
  ...(goBinary === undefined ? [] : [{ name: 'CSV, Go', run: () => runGo(goBinary) }]),
];

// Round by round, so that a busy moment of the machine meets all of them.
const figures = new Map<string, Figure[]>();
for (let round = 0; round < rounds; round++) {
  for (const { name, run } of contenders) figures.set(name, [...(figures.get(name) ?? []), await run()]);
}

console.log(`${rows} rows, ${(sizeBytes / 1e6).toFixed(0)} MB, ${rounds} rounds, medians\n`);
const yardstick = medianSeconds('openssl aes-128-ctr');
const go = goBinary === undefined ? undefined : medianSeconds('CSV, Go');
for (const { name } of contenders) {
  const seconds = medianSeconds(name);
  const peaks = (figures.get(name) ?? []).map(({ peakMb }) => peakMb ?? 0);
  const cells = [
    name.padEnd(20),
    `${Math.round(rows / seconds)} rows/s`.padStart(16),
    `${Math.round(sizeBytes / seconds / 1e6)} MB/s`.padStart(11),
    `peak ${Math.max(...peaks) || '?'} MB`.padStart(13),
    `${(yardstick / seconds).toFixed(2)} of openssl`.padStart(17),
    go === undefined ? '' : `${(go / seconds).toFixed(2)} of Go`.padStart(13),
  ];
  console.log(cells.join(''));
}
process.exit(0);

async function runOurs(input: readonly string[], threadCount: number): Promise<Figure> {
  const args = ['--seed', '12345', '--threads', String(threadCount), '--debug', '1', '--output-file', output];
  const startMs = performance.now();
  const { exitCode, stderr } = await runBinary('generate-data', [...args, ...input]);
  const seconds = (performance.now() - startMs) / 1000;
  if (exitCode !== 0) throw new Error(`aibench-generate-data failed: ${stderr}`);
  rmSync(output);
  return { seconds, peakMb: Number(/peak resident memory (\d+) MB/.exec(stderr)?.[1]) };
}

function runOpenssl(): Figure {
  const key = '0'.repeat(32);
  // Synced, as ours is before it takes its name.
  const encrypt = `openssl enc -aes-128-ctr -K ${key} -iv ${key} -out '${output}'`;
  return shell(`head -c ${sizeBytes} /dev/zero | ${encrypt} && sync '${output}'`);
}

function runGo(binary: string): Figure {
  const time = existsSync('/usr/bin/time') ? '/usr/bin/time -f "peak %M"' : '';
  return shell(`${time} '${binary}' -seed 12345 -input-file '${csv}' -output-file '${output}'`);
}

function shell(line: string): Figure {
  const startMs = performance.now();
  const { status, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
  const seconds = (performance.now() - startMs) / 1000;
  if (status !== 0) throw new Error(`${line}: ${stderr}`);
  rmSync(output, { force: true });
  const peakKib = /^peak (\d+)$/m.exec(stderr)?.[1];
  return { seconds, peakMb: peakKib === undefined ? undefined : Math.round((Number(peakKib) * 1024) / 1e6) };
}

function medianSeconds(name: string): number {
  const sorted = (figures.get(name) ?? []).map(({ seconds }) => seconds).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
