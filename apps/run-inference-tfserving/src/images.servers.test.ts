import {
  describeWithPython,
  makeImageFile,
  runWithResult,
  startTensorFlowServer,
  succeed,
  temporaryFolder,
} from '@aibench/testing';
import { expect, it } from 'vitest';

/** Seven, so that batches of three leave one. */
const images = 7;
const model = ['--use-case', 'vision-image-classification'];

await describeWithPython('tensorflow', 'TensorFlow behind the official stubs', (python) => {
  it('classifies images, alone and in batches', { timeout: 180_000 }, async () => {
    const dataFile = await makeImageFile(images);
    const models = temporaryFolder();
    await succeed('setup-model', ['--server', 'tfserving', '--output-dir', models, ...model]);
    const { grpc } = await startTensorFlowServer({ python, configFile: `${models}/models.config` });
    const place = ['--tensorflow-serving-host', grpc];
    for (const [way, requests] of [
      [place, 7],
      [[...place, '--batch-size', '3'], 3],
    ] as const) {
      const { exitCode, stderr, result } = await runWithResult('run-inference-tfserving', [
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
