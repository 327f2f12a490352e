import {
  makeImageFile,
  type ReferenceServer,
  runWithResult,
  startReferenceServer,
  succeed,
  temporaryFolder,
} from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';

/** Seven, so that batches of three leave one. */
const images = 7;
const app = 'run-inference-torchserve';
let dataFile: string;
let server: ReferenceServer;

beforeAll(async () => {
  dataFile = await makeImageFile(images);
  const store = temporaryFolder();
  server = await startReferenceServer(['--model-store', store]);
  const { torchserve, torchserveManagement } = server.addresses;
  await succeed('setup-model', [
    ...['--server', 'torchserve', '--model-store', store, '--use-case', 'vision-image-classification'],
    ...['--torchserve-host', torchserve, '--torchserve-management-host', torchserveManagement],
  ]);
});

function place(): string[] {
  const { torchserve, torchserveGrpc, torchserveManagement } = server.addresses;
  return [
    ...['--torchserve-host', torchserve, '--torchserve-grpc-host', torchserveGrpc],
    ...['--torchserve-management-host', torchserveManagement],
    ...['--file', dataFile, '--workers', '2', '--verify'],
  ];
}

describe('aibench-run-inference-torchserve with images', () => {
  it.each([
    [['--body', 'binary']],
    [['--body', 'binary', '--http-client', 'undici']],
    [['--protocol', 'grpc']],
    [['--body', 'json']],
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
});
