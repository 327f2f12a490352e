import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runBinary, startReferenceServer, startTcpPeer, temporaryFolder } from '@aibench/testing';
import { loadUseCase } from '@aibench/usecases';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';

const { row: layout, references } = await loadUseCase('creditcard-fraud');

function dataFile(rows: number, extraBytes = 0): string {
  const path = join(temporaryFolder(), 'fraud.dat');
  const data = Buffer.alloc(rows * layout.sizeBytes + extraBytes);
  for (let id = 0; id < rows; id++) layout.writeId(data.subarray(id * layout.sizeBytes), id);
  writeFileSync(path, data);
  return path;
}

/** The one line that a failure is, and its exit status. */
async function failure(args: readonly string[], stdin?: string) {
  const result = await runBinary('load-data', args, stdin === undefined ? {} : { stdin });
  expect(result.stderr).toMatch(/^aibench-load-data: .+\n(aibench-load-data: see --help\n)?$/);
  expect(result.stdout.toString()).not.toContain('loaded');
  return { exitCode: result.exitCode, line: result.stderr };
}

describe('aibench-load-data', () => {
  it.each([
    [['--pipelin', '10'], 'there is no flag --pipelin (did you mean --pipeline?)'],
    [['--workers', '0'], '--workers: 0 is below 1'],
    [['--pipeline=many'], '--pipeline: "many" is no whole number'],
    [['-reporting-period', '5'], '--reporting-period: "5" is no duration'],
    [
      ['-set-blob=false', '-set-tensor=false'],
      'there is nothing to load without --set-blob and --set-tensor',
    ],
    [['--redis-host', 'ftp://h'], '"ftp://h" is no Redis address'],
    [['--redis-host', 'a,b'], '--redis-host names 2 servers (several are taken for nodes of one cluster'],
    [['--use-case', 'nonsense'], 'there is no use case "nonsense"'],
  ])('refuses %j with exit status 2', async (args, text) => {
    const { exitCode, line } = await failure([...args, '--file', '/dev/null']);
    expect(line).toContain(text);
    expect(exitCode).toBe(2);
  });

  it('tells that the file is missing, a folder, empty or cut off', async () => {
    const cases = [
      ['/nonexistent/f.dat', 'cannot read /nonexistent/f.dat: there is no such file (see --file)'],
      ['/tmp', 'cannot read /tmp: it is a folder (see --file)'],
      [dataFile(0), 'is empty (aibench-generate-data writes data files)'],
      [
        dataFile(2, 100),
        `ends within row 2 (counted from 0): 100 of its ${layout.sizeBytes} bytes are there (--allow-truncated`,
      ],
    ] as const;
    for (const [path, text] of cases) {
      const { exitCode, line } = await failure(['--file', path]);
      expect(line).toContain(text);
      expect(exitCode).toBe(1);
    }
  });

  it('tells that the server is down, once, whatever the number of workers', async () => {
    const peer = await startTcpPeer(() => {});
    await peer.stop();
    const args = ['--redis-host', peer.address, '--file', dataFile(1), '--workers', '8'];
    const { exitCode, line } = await failure(args);
    expect(line).toBe(
      `aibench-load-data: cannot connect to Redis at ${peer.address}: connection refused (is it running? see --redis-host)\n`,
    );
    expect(exitCode).toBe(1);
  });

  it('tells that the server is no Redis', async () => {
    const peer = await startTcpPeer(
      (socket) => void socket.once('data', () => socket.end('HTTP/1.1 400\r\n\r\n')),
    );
    const { exitCode, line } = await failure(['--redis-host', peer.address, '--file', dataFile(1)]);
    expect(line).toContain(`${peer.address} does not speak the Redis protocol`);
    expect(exitCode).toBe(1);
  });

  it('stores strings and tensors in the reference server', async () => {
    const { addresses } = await startReferenceServer();
    const data = Buffer.alloc(300 * layout.sizeBytes);
    for (let id = 0; id < 300; id++) {
      data.fill(id % 256, id * layout.sizeBytes, (id + 1) * layout.sizeBytes);
      layout.writeId(data.subarray(id * layout.sizeBytes), id);
    }
    const result = await runBinary(
      'load-data',
      ['-redis-host', `redis://${addresses.redis}`, '-pipeline=50'],
      {
        stdin: data,
      },
    );
    expect(result.stderr).toBe('');
    expect(result.stdout.toString()).toContain('loaded 300 rows with 600 commands');
    expect(result.stdout.toString()).toContain('600 of 600 keys are there');
    const [host, port] = addresses.redis.split(':');
    const client = new Redis(Number(port), host!);
    for (const id of [0, 299]) {
      const expected = references[0]!.read(data.subarray(id * layout.sizeBytes)).data;
      const blob = await client.getBuffer(`referenceBLOB:{${id}}`);
      const tensor = await client.callBuffer('AI.TENSORGET', `referenceTensor:{${id}}`, 'BLOB');
      const meta = await client.call('AI.TENSORGET', `referenceTensor:{${id}}`, 'META');
      expect(blob?.equals(expected)).toBe(true);
      expect((tensor as Buffer).equals(expected)).toBe(true);
      expect(meta).toEqual(['dtype', 'FLOAT', 'shape', [1, 256]]);
    }
    client.disconnect();
  });
});
