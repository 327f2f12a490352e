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
const app = 'run-inference-flask';
let dataFile: string;
let server: ReferenceServer;

beforeAll(async () => {
  dataFile = await makeImageFile(images);
  const models = temporaryFolder();
  await succeed('setup-model', [
    ...['--server', 'flask', '--output-dir', models, '--use-case', 'vision-image-classification'],
  ]);
  server = await startReferenceServer(['--flask-models', models]);
});

function place(): string[] {
  return ['--restapi-host', server.addresses.flask, '--file', dataFile, '--workers', '2', '--verify'];
}

describe('aibench-run-inference-flask with images', () => {
  it.each([[[]], [['--http-client', 'undici']], [['--restapi-request-uri', '/v1/predict']]])(
    'gets every answer right: %j',
    async (way) => {
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
    },
  );
});
