import {
  Empty,
  PredictionResponse,
  PredictionsRequest,
  TorchServeHealthResponse,
  torchServeMethod,
} from '@aibench/torchserve';
import { describe, expect, it } from 'vitest';
import type { ReferenceServerFlags } from '../flags.js';
import { GrpcCaller } from '../testing/grpc-caller.js';
import { newModelStore } from '../testing/model-store.js';
import { floatBytes } from '../testing/test-models.js';
import { startServer } from '../testing/test-server.js';

async function newCaller(overrides: Partial<ReferenceServerFlags> = {}): Promise<GrpcCaller> {
  const { addresses } = await startServer({
    ...{ protocols: ['torchserve'], modelStore: newModelStore(), torchserveModels: ['all'] },
    ...overrides,
  });
  return new GrpcCaller(addresses.torchserveGrpc!);
}

function ask(caller: GrpcCaller, request: Partial<PredictionsRequest>): Promise<number[]> {
  const message = PredictionsRequest.create({
    ...{ modelName: 'add', input: { a: floatBytes(1, 2), b: floatBytes(0.5, 1) } },
    ...request,
  });
  return caller
    .call(torchServeMethod.predictions, PredictionsRequest, PredictionResponse, message)
    .then(({ prediction }) => [...new Float32Array(new Uint8Array(prediction).buffer)]);
}

const grpcInternal = 13;

describe("TorchServe's gRPC port", () => {
  it('says that it is healthy', async () => {
    const caller = await newCaller();
    const { health } = await caller.call(torchServeMethod.ping, Empty, TorchServeHealthResponse, {});
    expect(JSON.parse(health)).toEqual({ status: 'Healthy' });
  });

  it('answers inferences with bytes', async () => {
    const caller = await newCaller();
    expect(await ask(caller, {})).toEqual([1.5, 3]);
    expect(await ask(caller, { modelVersion: '1.0' })).toEqual([1.5, 3]);
  });

  it.each([
    [{ modelName: '' }, grpcInternal, 'Parameter model_name is required.\nBadRequestException.()'],
    [
      { modelName: 'other' },
      grpcInternal,
      'Model not found: other\norg.pytorch.serve.archive.model.ModelNotFoundException',
    ],
    [
      { modelVersion: '2' },
      grpcInternal,
      'Model version: 2 does not exist for model: add\norg.pytorch.serve.archive.model.ModelVersionNotFoundException',
    ],
    [
      { input: { a: floatBytes(1, 2) } },
      3,
      'input b is missing, there are a\norg.pytorch.serve.http.InternalServerException',
    ],
  ])('refuses %j', async (request, code, details) => {
    await expect(ask(await newCaller(), request)).rejects.toMatchObject({ code, details });
  });

  it('fails as often as it should', async () => {
    const caller = await newCaller({ failEvery: 2 });
    await ask(caller, {});
    await expect(ask(caller, {})).rejects.toMatchObject({
      code: 14,
      details: expect.stringContaining('Prediction failed: injected failure (--fail-every 2)'),
    });
  });

  it('turns away what no worker is there for', async () => {
    const { addresses } = await startServer({ protocols: ['torchserve'], modelStore: newModelStore() });
    await fetch(`http://${addresses.torchserveManagement}/models?url=add.mar`, { method: 'POST' });
    await expect(ask(new GrpcCaller(addresses.torchserveGrpc!), {})).rejects.toMatchObject({
      code: grpcInternal,
      details: expect.stringMatching(/^Model "add" has no worker .*\nInternalServerException\.\(\)$/s),
    });
  });

  it('answers zeros by the null model, whatever is asked', async () => {
    const nobody = await newCaller({ nullModel: true, torchserveModels: [], nullOutputShape: ['out=1x3'] });
    for (let i = 0; i < 2; i++) expect(await ask(nobody, { modelName: 'any' })).toEqual([0, 0, 0]);
    const known = await newCaller({ nullModel: true });
    expect(await ask(known, {})).toEqual([0, 0]);
    expect(await ask(known, { modelName: 'other' })).toEqual([0, 0]);
    const failing = await newCaller({ nullModel: true, torchserveModels: [], failEvery: 2 });
    await ask(failing, {});
    await expect(ask(failing, {})).rejects.toMatchObject({ details: expect.stringContaining('injected') });
  });

  it('answers nothing to what is no request', async () => {
    const caller = await newCaller();
    await expect(
      caller.callBytes(torchServeMethod.predictions, Buffer.from([0x0a, 0xff])),
    ).rejects.toMatchObject({
      code: grpcInternal,
    });
  });
});
