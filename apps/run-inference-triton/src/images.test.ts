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
const app = 'run-inference-triton';
let dataFile: string;
let server: ReferenceServer;

beforeAll(async () => {
  dataFile = await makeImageFile(images);
  const repository = temporaryFolder();
  for (const more of [
    [],
    ['--model', 'graphdef', '--backend', 'tensorflow'],
    ['--model', 'joined', '--batch-size', '8'],
  ]) {
    await succeed('setup-model', [
      ...[
        '--server',
        'triton',
        '--output-dir',
        repository,
        '--use-case',
        'vision-image-classification',
        ...more,
      ],
    ]);
  }
  server = await startReferenceServer(['--model-repository', repository]);
});

function place(): string[] {
  return ['--file', dataFile, '--workers', '2', '--verify', '--host', server.addresses.triton];
}

function overHttp(client: string): string[] {
  return ['--protocol', 'http', '--http-client', client, '--host', server.addresses.tritonHttp];
}

describe('aibench-run-inference-triton with images', () => {
  it.each([
    [() => []],
    [() => ['--grpc-client', 'grpc-js']],
    [() => overHttp('own')],
    [() => overHttp('undici')],
    [() => ['--model', 'graphdef']],
    [() => ['--model', 'joined']],
  ])('gets every answer right: %s', async (way) => {
    for (const [batch, requests, rows] of [
      [[], images, images],
      [['--batch-size', '3'], 3, images],
      [['--batch-size', '3', '--partial-batch', 'drop'], 2, 6],
    ] as const) {
      const { exitCode, stderr, result } = await runWithResult(app, [...place(), ...way(), ...batch]);
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
