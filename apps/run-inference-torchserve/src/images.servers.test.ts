import {
  describeWithPython,
  describeWithServer,
  makeImageFile,
  runWithResult,
  startTorchServe,
  succeed,
  temporaryFolder,
} from '@aibench/testing';
import { expect, it } from 'vitest';

/** Seven, so that batches of three leave one. */
const images = 7;
const model = ['--use-case', 'vision-image-classification'];

await describeWithPython('torchserve', 'TorchServe', (python) => {
  describeWithServer('java', 'with Java', () => tests(python));
});

function tests(python: string): void {
  it('classifies images, alone and in batches', { timeout: 180_000 }, async () => {
    const dataFile = await makeImageFile(images);
    const modelStore = temporaryFolder();
    const server = await startTorchServe({ python, modelStore });
    const hosts = ['--torchserve-host', server.inference, '--torchserve-management-host', server.management];
    await succeed('setup-model', ['--server', 'torchserve', '--model-store', modelStore, ...hosts, ...model]);
    const overGrpc = [...hosts, '--protocol', 'grpc', '--torchserve-grpc-host', server.grpcInference];
    for (const [way, requests] of [
      [[...hosts, '--body', 'binary'], 7],
      [[...hosts, '--body', 'binary', '--batch-size', '3'], 3],
      [[...overGrpc, '--batch-size', '3'], 3],
    ] as const) {
      const { exitCode, stderr, result } = await runWithResult('run-inference-torchserve', [
        ...['--file', dataFile, '--workers', '2', '--verify'],
        ...way,
      ]);
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
      expect(result!.counts).toMatchObject({ answered: requests, answeredRows: images, mismatched: 0 });
      expect(result!.server.isReference).toBe(false);
    }
  });
}
