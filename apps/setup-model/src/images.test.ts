import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeOnnx } from '@aibench/models';
import {
  type ReferenceServer,
  runBinary,
  runWithResult,
  startReferenceServer,
  succeed,
  temporaryFolder,
} from '@aibench/testing';
import { loadUseCase } from '@aibench/usecases';
import { beforeAll, describe, expect, it } from 'vitest';

const vision = ['--use-case', 'vision-image-classification'];
let folder: string;
let trained: string;
let server: ReferenceServer;

beforeAll(async () => {
  folder = temporaryFolder();
  // What somebody has trained: the suite's own network with other weights, as an ONNX file.
  const useCase = await loadUseCase('vision-image-classification');
  const graph = useCase.task({ withReference: false }).graph();
  const nodes = graph.nodes.map((node) =>
    node.op === 'constant' && node.name.endsWith('Conv2d_1c_1x1/biases')
      ? { ...node, values: node.values.map((_, i) => (i === 17 ? 9 : 0)) }
      : node,
  );
  trained = join(folder, 'trained.onnx');
  writeFileSync(trained, writeOnnx({ ...graph, nodes } as typeof graph));
  server = await startReferenceServer(['--tfserving-models', folder, '--flask-models', folder]);
});

describe('aibench-setup-model with a trained image model', () => {
  it('writes its weights in the format of the server, and knows its answers', async () => {
    const { redis } = server.addresses;
    const { stdout } = await succeed('setup-model', [...vision, '--host', redis, '--model-file', trained]);
    expect(stdout.toString()).toMatch(/, TF on CPU, .*, as expected\n$/);
    const place = ['--server', 'tfserving', '--tensorflow-serving-host', server.addresses.tfserving];
    const told = await succeed('setup-model', [
      ...[...vision, ...place, '--model-base-path', folder, '--model-file', trained],
    ]);
    expect(told.stdout.toString()).toMatch(/, SavedModel, .*, as expected\n$/);
    const data = join(folder, 'images.dat');
    await succeed('generate-data', [
      ...[...vision, '--synthetic', '4', '--with-expected', '--seed', '1', '--output-file', data],
      ...['--model-file', trained],
    ]);
    const { exitCode, result, stderr } = await runWithResult('run-inference-redisai', [
      ...['--host', redis, '--file', data, '--verify', '--batch-size', '2'],
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ verified: 2, mismatched: 0 });
  });

  it('passes it on unchanged where asked to', async () => {
    const place = ['--server', 'redisai', '--host', server.addresses.redis, '--backend', 'ONNX'];
    const { stdout } = await succeed('setup-model', [
      ...[...vision, ...place, '--model', 'given', '--model-file', trained, '--as-is'],
    ]);
    expect(stdout.toString()).toMatch(/given, ONNX on CPU, .*, which has the right form\n$/);
  });

  it('says what to do with what is another network', async () => {
    const other = join(folder, 'other.onnx');
    writeFileSync(other, 'no model');
    const { exitCode, stderr } = await runBinary('setup-model', [
      ...[...vision, '--host', server.addresses.redis, '--model-file', other],
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`cannot take the weights of ${other}`);
    expect(stderr).toContain('--as-is');
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
