import {
  describeWithPython,
  makeImageFile,
  runWithResult,
  startTritonServer,
  succeed,
  temporaryFolder,
} from '@aibench/testing';
import { expect, it } from 'vitest';

/** Seven, so that batches of three leave one. */
const images = 7;
const model = ['--use-case', 'vision-image-classification'];

await describeWithPython('triton', 'Triton', (python) => {
  it('classifies images, alone and in batches', { timeout: 180_000 }, async () => {
    const dataFile = await makeImageFile(images);
    const repository = temporaryFolder();
    const triton = await startTritonServer({
      python,
      repository,
      args: ['--model-control-mode', 'explicit'],
    });
    const place = ['--server', 'triton', '--backend', 'python', '--host', triton.grpc];
    await succeed('setup-model', [...place, '--model-repository', repository, ...model]);
    const overHttp = ['--protocol', 'http', '--host', triton.http];
    for (const [way, requests] of [
      [['--host', triton.grpc], 7],
      [['--host', triton.grpc, '--batch-size', '3'], 3],
      [overHttp, 7],
      [[...overHttp, '--batch-size', '3'], 3],
    ] as const) {
      const { exitCode, stderr, result } = await runWithResult('run-inference-triton', [
        ...['--file', dataFile, '--workers', '2', '--verify'],
        ...way,
      ]);
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
      expect(result!.counts).toMatchObject({ answered: requests, answeredRows: images, mismatched: 0 });
      expect(result!.server.isReference).toBe(false);
    }
  });
});
