import { execFile } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import {
  binaryPath,
  describeWithServer,
  redisCli,
  runBinary,
  startBinary,
  startRedis,
  startRedisCluster,
  temporaryFolder,
} from '@aibench/testing';
import { loadUseCase } from '@aibench/usecases';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';

const { row: layout, references } = await loadUseCase('creditcard-fraud');
const [reference] = references;
const rowBytes = layout.sizeBytes;

/** Rows whose bytes differ, written to a file. */
function dataFile(rows: number, extraBytes = 0): { path: string; data: Buffer } {
  const data = Buffer.alloc(rows * rowBytes + extraBytes);
  for (let id = 0; id < rows; id++) {
    data.fill(id % 256, id * rowBytes, (id + 1) * rowBytes);
    layout.writeId(data.subarray(id * rowBytes), id);
  }
  const path = join(temporaryFolder(), 'fraud.dat');
  writeFileSync(path, data);
  return { path, data };
}

function load(address: string, ...args: readonly string[]) {
  return runBinary('load-data', ['--redis-host', address, '--set-tensor=false', ...args]);
}

const oneLine = /^aibench-load-data: [^\n]+\n$/;

describeWithServer(['redis-server', 'redis-cli'], 'aibench-load-data with a real Redis', () => {
  it("stores each row's reference data, and says how much is there", async () => {
    const redis = await startRedis();
    const { path, data } = dataFile(2_500);
    const result = await load(
      redis.address,
      '-file',
      path,
      '-pipeline',
      '100',
      '-workers=3',
      '-reporting-period=10ms',
    );
    expect(result.stderr).toBe('');
    expect(result.exitCode).toBe(0);
    const lines = result.stdout.toString().trimEnd().split('\n');
    expect(lines[0]).toBe('time (ns),total commands,instantaneous commands/s,overall commands/s');
    for (const line of lines.slice(1, -1)) expect(line).toMatch(/^\d{19},\d+,\d+\.\d\d,\d+\.\d\d$/);
    expect(lines.at(-1)).toMatch(
      /^loaded 2,500 rows with 2,500 commands in [\d.]+ s, [\d,]+ commands\/s; 2,500 of 2,500 keys are there$/,
    );
    expect(await redisCli(redis.address, 'DBSIZE')).toBe('2500');
    const client = new Redis(redis.port);
    for (const id of [0, 9, 10, 1_234, 2_499]) {
      const row = data.subarray(id * rowBytes, (id + 1) * rowBytes);
      const stored = await client.getBuffer(`referenceBLOB:{${id}}`);
      expect(stored?.equals(reference!.read(row).data)).toBe(true);
    }
    client.disconnect();
  });

  it.each([1, 100])('stops after --max-inserts rows, with a pipeline of %i', async (pipeline) => {
    const redis = await startRedis();
    const { path } = dataFile(300);
    const result = await load(
      redis.address,
      '--file',
      path,
      '--max-inserts',
      '123',
      '--pipeline',
      String(pipeline),
    );
    expect(result.exitCode).toBe(0);
    expect(result.stdout.toString()).toContain('loaded 123 rows with 123 commands');
    expect(await redisCli(redis.address, 'DBSIZE')).toBe('123');
  });

  it('reads stdin, whole or cut off', async () => {
    const redis = await startRedis();
    const args = ['--redis-host', redis.address, '--set-tensor=false', '--pipeline', '10'];
    const { data } = dataFile(200, 7);
    const whole = await runBinary('load-data', args, { stdin: data.subarray(0, 200 * rowBytes) });
    expect(whole.stdout.toString()).toContain('200 of 200 keys are there');
    const cut = await runBinary('load-data', args, { stdin: data });
    expect(cut.exitCode).toBe(1);
    expect(cut.stderr).toBe(
      `aibench-load-data: stdin ends within row 200 (counted from 0): 7 of its ${rowBytes} bytes are there; the 200 rows before it are loaded (--allow-truncated uses the 200 whole rows before it; is it a data file of this --use-case?)\n`,
    );
    const allowed = await runBinary('load-data', [...args, '--allow-truncated'], { stdin: data });
    expect(allowed.exitCode).toBe(0);
    expect(allowed.stdout.toString()).toContain('loaded 200 rows');
  });

  it('asks for --set-tensor=false where there is no RedisAI', async () => {
    const redis = await startRedis();
    const result = await runBinary('load-data', ['--redis-host', redis.address, '--file', dataFile(1).path]);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(
      /has no AI\.TENSORSET, it is \w+ [\d.]+ without RedisAI \(--set-tensor=false /,
    );
    expect(await redisCli(redis.address, 'DBSIZE')).toBe('0');
  });

  it('tells that the password is wrong, without showing it', async () => {
    const redis = await startRedis(['--requirepass', 'right']);
    const { path } = dataFile(1);
    const result = await load(`redis://:hunter2@${redis.address}`, '--file', path);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(oneLine);
    expect(result.stderr).toContain(`${redis.address} refuses the login: WRONGPASS`);
    expect(result.stderr).not.toContain('hunter2');
    expect((await load(`redis://:right@${redis.address}/2`, '--file', path)).exitCode).toBe(0);
  });

  it('tells what the server refused, and stops', async () => {
    const redis = await startRedis(['--maxmemory', '4mb', '--maxmemory-policy', 'noeviction']);
    const result = await load(redis.address, '--file', dataFile(20_000).path, '--pipeline', '100');
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(
      /^aibench-load-data: 127\.0\.0\.1:\d+ refused \d+ commands after \d+ were carried out; the first, SET referenceBLOB:\{\d+\}: OOM [^\n]+ \(the server's maxmemory [^\n]+\n$/,
    );
    const carriedOut = /after (\d+) were/.exec(result.stderr)?.[1];
    expect(await redisCli(redis.address, 'DBSIZE')).toBe(carriedOut);
  });

  it('fails when keys that were confirmed are not there', async () => {
    const redis = await startRedis(['--maxmemory', '4mb', '--maxmemory-policy', 'allkeys-random']);
    const args = ['--file', dataFile(20_000).path, '--pipeline', '100'];
    const result = await load(redis.address, ...args);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/holds only \d+ of the 20000 keys that it confirmed \(does it evict/);
    expect((await load(redis.address, ...args, '--check=false')).exitCode).toBe(0);
  });

  it('tells that the server was killed, and what had been confirmed', async () => {
    const redis = await startRedis();
    const loading = startBinary('load-data', [
      ...[
        '--redis-host',
        redis.address,
        '--set-tensor=false',
        '--reporting-period',
        '5ms',
        '--file',
        '-',
      ].slice(0, 5),
    ]);
    const { data } = dataFile(500);
    // A trickle, so that it is killed in the middle for sure.
    const feed = setInterval(() => loading.process.stdin.write(data), 5);
    loading.process.stdin.on('error', () => clearInterval(feed));
    await loading.waitFor(/,[1-9]\d*,/);
    await redis.stop();
    const { exitCode, stderr } = await loading.ended;
    clearInterval(feed);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^aibench-load-data: the connection to Redis at 127\.0\.0\.1:\d+ was lost; \d+ of \d+ commands were confirmed\n$/,
    );
  });

  it('finishes what it has begun when it is interrupted', async () => {
    const redis = await startRedis();
    const args = ['--redis-host', redis.address, '--set-tensor=false', '--pipeline', '50'];
    const loading = startBinary('load-data', [...args, '--reporting-period', '5ms']);
    loading.process.stdin.write(dataFile(500).data);
    await loading.waitFor(/,[1-9]\d*,/);
    loading.kill('SIGINT');
    const { exitCode, stdout, stderr } = await loading.ended;
    expect(exitCode).toBe(130);
    expect(stderr).toBe('');
    const rows = /interrupted: loaded (\d+) rows/.exec(stdout.toString())?.[1];
    expect(await redisCli(redis.address, 'DBSIZE')).toBe(rows);
  });

  it('ends when nobody reads its output any more', async () => {
    const redis = await startRedis();
    const loading = startBinary('load-data', [
      ...['--redis-host', redis.address, '--set-tensor=false', '--reporting-period', '5ms'],
    ]);
    await loading.waitFor(/^time/);
    loading.process.stdout.destroy();
    const { data } = dataFile(100);
    const feed = setInterval(() => loading.process.stdin.write(data), 5);
    loading.process.stdin.on('error', () => clearInterval(feed));
    const { exitCode, stderr } = await loading.ended;
    clearInterval(feed);
    expect(exitCode).toBe(1);
    expect(stderr).toBe('aibench-load-data: cannot write stdout: the reader has closed the pipe\n');
  });

  it('needs memory for the rows on their way only', async () => {
    const redis = await startRedis();
    const { data } = dataFile(5_000);
    const times = 40;
    expect(data.length * times).toBeGreaterThan(200e6);
    // The binary tells its peak memory in KiB as it exits.
    const code = 'process.on("exit", () => console.error(process.resourceUsage().maxRSS))';
    const result = await runBinary(
      'load-data',
      ['--redis-host', redis.address, '--set-tensor=false', '--pipeline', '100', '--workers', '4'],
      {
        stdin: Readable.from(Array(times).fill(data)),
        env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` },
      },
    );
    expect(result.stdout.toString()).toContain(`loaded ${(5_000 * times).toLocaleString('en-US')} rows`);
    expect(Number(result.stderr) / 1024).toBeGreaterThan(30);
    expect(Number(result.stderr) / 1024).toBeLessThan(200);
  });

  it('is the end of a pipeline', async () => {
    const redis = await startRedis();
    const folder = temporaryFolder();
    const script = `set -e
      node ${binaryPath('generate-data')} --max-transactions 1000 --seed 7 | tee ${folder}/f.dat |
        node ${binaryPath('load-data')} --redis-host ${redis.address} --set-tensor=false --pipeline 100
      head -c ${rowBytes * 10} ${folder}/f.dat |
        node ${binaryPath('load-data')} --redis-host redis://${redis.address}/1 --set-tensor=false`;
    const { stdout } = await promisify(execFile)('sh', ['-c', script]);
    expect(stdout).toContain('1,000 of 1,000 keys are there');
    expect(stdout).toContain('10 of 10 keys are there');
    expect(statSync(join(folder, 'f.dat')).size).toBe(1_000 * rowBytes);
  });
});

describeWithServer(['redis-server', 'redis-cli'], 'aibench-load-data with a real Redis Cluster', () => {
  it('spreads the rows, and follows a slot that has moved', async () => {
    const cluster = await startRedisCluster(3);
    const { path } = dataFile(1_000);
    const args = ['--file', path, '--pipeline', '100', '--cluster-mode'];
    const result = await load(cluster.addresses.join(','), ...args);
    expect(result.stderr).toBe('');
    expect(result.stdout.toString()).toContain('1,000 of 1,000 keys are there');
    const counts = await Promise.all(cluster.addresses.map((address) => redisCli(address, 'DBSIZE')));
    expect(counts.map(Number).reduce((sum, count) => sum + count)).toBe(1_000);

    const single = await load(cluster.addresses[0]!, '--file', path);
    expect(single.exitCode).toBe(1);
    expect(single.stderr).toMatch(
      /: MOVED \d+ [\d.:]+ \(it is a node of a Redis Cluster: pass --cluster-mode\)\n$/,
    );
  });

  it('tells that a server is no cluster', async () => {
    const redis = await startRedis();
    const result = await load(redis.address, '--file', dataFile(1).path, '--cluster-mode');
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain(
      `${redis.address} is no node of a Redis Cluster (leave out --cluster-mode)`,
    );
  });
});
