import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { binaryPath, type ReferenceServer, temporaryFolder } from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeDataFile, startLoadedServer } from './loaded-server.test.fixture.js';

let dataFile: string;
let server: ReferenceServer;

beforeAll(async () => {
  dataFile = await makeDataFile(2_000);
  server = await startLoadedServer(dataFile);
});

/** Runs a line of bash, in which each binary goes by the name of its app. */
function bash(line: string): Promise<{ status: number; stdout: string; stderr: string }> {
  const binaries = ['generate-data', 'load-data', 'run-inference-redisai'].map(
    (app) => `${app}() { "${process.execPath}" "${binaryPath(app)}" "$@"; }`,
  );
  const script = ['set -o pipefail', ...binaries, line].join('\n');
  return new Promise((resolve) => {
    execFile('bash', ['-c', script], { cwd: temporaryFolder() }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('shell pipelines', () => {
  const run = (flags = '') =>
    `run-inference-redisai --quiet --host ${server.addresses.redis} --verify --threads 2 ${flags}`;

  it('read a data file from stdin', async () => {
    const { status, stdout } = await bash(`cat '${dataFile}' | ${run('--enable-reference-data-redis')}`);
    expect(stdout).toContain('2,000 of 2,000 answers, all right');
    expect(status).toBe(0);
  });

  it('take the first rows of it', async () => {
    const { status, stdout } = await bash(`head -c $((1152 * 500)) '${dataFile}' | ${run()}`);
    expect(stdout).toContain('500 of 500 answers, all right');
    expect(status).toBe(0);
  });

  it('generate, keep, load, then ask', async () => {
    const { status, stdout, stderr } = await bash(
      [
        `generate-data --max-transactions 700 --seed 9 | tee f.dat | load-data --redis-host ${server.addresses.redis}`,
        `cat f.dat | ${run('--enable-reference-data-redis')}`,
      ].join(' && '),
    );
    expect(stderr).not.toContain(' at ');
    expect(stdout).toContain('700 of 700 answers, all right');
    expect(status).toBe(0);
  });

  it('print answers to a reader that leaves early', async () => {
    const folder = temporaryFolder();
    const json = join(folder, 'result.json');
    const { stdout, stderr } = await bash(
      `${run(`--print-responses --file '${dataFile}' --json-out-file '${json}'`)} | head -n 1`,
    );
    expect(stdout).toMatch(/^row \d+: out/);
    expect(stderr).not.toContain(' at ');
    expect(statSync(json).size).toBeGreaterThan(1_000);
  });

  it('fail where a row is cut off', async () => {
    const { status, stderr } = await bash(`head -c 2000 '${dataFile}' | ${run()}`);
    expect(stderr).toContain('row');
    expect(status).toBe(1);
  });
});
