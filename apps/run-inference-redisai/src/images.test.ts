import { connectRedis, parseRedisAddress } from '@aibench/redis';
import {
  makeImageFile,
  type ReferenceServer,
  runWithResult,
  startReferenceServer,
  succeed,
} from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';

/** Seven, so that batches of three leave one. */
const images = 7;
const app = 'run-inference-redisai';
let dataFile: string;
let server: ReferenceServer;

beforeAll(async () => {
  dataFile = await makeImageFile(images);
  server = await startReferenceServer(['--protocols', 'redis']);
  const model = ['--use-case', 'vision-image-classification'];
  await succeed('setup-model', ['--server', 'redisai', '--host', server.addresses.redis, ...model]);
});

function place(): string[] {
  return ['--host', server.addresses.redis, '--file', dataFile, '--workers', '2', '--verify'];
}

describe('aibench-run-inference-redisai with images', () => {
  it.each([
    [[]],
    [['--use-dag=false']],
    [['--command-family', 'old']],
    [['--pool-pipeline-concurrency', '2']],
  ])('gets every answer right: %j', async (way) => {
    for (const [batch, requests, rows] of [
      [[], images, images],
      [['--batch-size', '3'], 3, images],
      [['--batch-size', '3', '--partial-batch', 'drop'], 2, 6],
    ] as const) {
      const { exitCode, stderr, result } = await runWithResult(app, [...place(), ...way, ...batch]);
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
      expect(result!.counts).toMatchObject({
        ...{ sent: requests, answered: requests, answeredRows: rows, failed: 0 },
        ...{ verified: requests, mismatched: 0 },
      });
      expect(result!.useCase).toBe('vision-image-classification');
    }
  });

  it('keeps answers in the store where asked to, one a worker', async () => {
    const { exitCode, result } = await runWithResult(app, [...place(), '--persist-results']);
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ verified: images, mismatched: 0 });
    const connection = await connectRedis(parseRedisAddress(server.addresses.redis));
    const keys = (await connection.call('KEYS', 'classificationTensor:*')) as Buffer[];
    expect(keys.map(String).sort()).toEqual(['classificationTensor:{w0}', 'classificationTensor:{w1}']);
    const kept = (await connection.call('AI.TENSORGET', keys[0]!, 'BLOB')) as Buffer;
    expect(kept.length).toBe(4_004);
    await connection.close();
  });

  it.each([['--use-dag=false'], ['--cluster-mode']])('keeps none with %s', async (flag) => {
    const { exitCode, stderr } = await runWithResult(app, [...place(), '--persist-results', flag]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`--persist-results does not go with ${flag}`);
  });

  it("takes the flags of the Go suite's scripts", async () => {
    const { exitCode, stderr, result } = await runWithResult(app, [
      ...place(),
      ...[
        '-batch-size=2',
        '-continue-on-error=true',
        '-dial-read-timeout',
        '90s',
        '-metadata-autobatching=4',
      ],
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ sent: 4, answered: 4, answeredRows: images });
    expect(result!.rates.measuredRowsPerSecond / result!.rates.measuredPerSecond).toBeCloseTo(7 / 4);
  });

  it('is refused data that it cannot be asked about', async () => {
    const other = await makeImageFile(2, '--image-layout', 'NCHW');
    const nchw = await runWithResult(app, [...place(), '--file', other]);
    expect(nchw.exitCode).toBe(1);
    expect(nchw.stderr).toContain('has no model mobilenet_v1_100_224_NxCxHxW');
    const fraud = await runWithResult(app, [...place(), '--use-case', 'creditcard-fraud']);
    expect(fraud.exitCode).toBe(1);
    expect(fraud.stderr).toContain(`${dataFile} holds rows of vision-image-classification`);
    const many = await runWithResult(app, [...place(), '--batch-size', '8', '--partial-batch', 'drop']);
    expect(many.exitCode).toBe(1);
    expect(many.stderr).toContain('has 7 rows, fewer than one request has');
  });
});
