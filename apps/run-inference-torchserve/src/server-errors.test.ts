import { AibenchError } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { callError, predictionError } from './server-errors.js';

/** An error as the gRPC client makes it of a status. */
function failed(code: AibenchError['code'], status: string, details: string): AibenchError {
  return new AibenchError(code, `h:7070 answered ${status}: ${details}`, { status });
}

describe('callError', () => {
  it('tells a handler that failed from a lost connection', () => {
    const details = 'Prediction failed\norg.pytorch.serve.http.InternalServerException';
    expect(callError(failed('AIBENCH_CONNECTION', 'UNAVAILABLE', details))).toMatchObject({
      ...{
        code: 'AIBENCH_SERVER',
        status: 'UNAVAILABLE',
        message: 'h:7070 answered UNAVAILABLE: Prediction failed',
      },
      hint: expect.stringContaining('see its log'),
    });
    const lost = failed('AIBENCH_CONNECTION', 'UNAVAILABLE', 'the server is shutting down');
    expect(callError(lost)).toBe(lost);
  });

  it.each([
    [
      'INTERNAL',
      'Model not found: m\norg.pytorch.serve.archive.model.ModelNotFoundException',
      'Model not found: m',
      'aibench-setup-model',
    ],
    [
      'INTERNAL',
      'Model version: 2 does not exist for model: m\norg.pytorch.serve.archive.model.ModelVersionNotFoundException',
      'Model version: 2 does not exist for model: m',
      'aibench-setup-model',
    ],
    [
      'INTERNAL',
      'Model "m" has no worker to serve inference request.\nInternalServerException.()',
      'Model "m" has no worker to serve inference request.',
      'job_queue_size',
    ],
    [
      'INVALID_ARGUMENT',
      'input a is missing\norg.pytorch.serve.http.InternalServerException',
      'input a is missing',
      '--enable-reference-data-redis',
    ],
  ])('leaves the names of exceptions out of %s: %s', (status, details, words, hint) => {
    expect(callError(failed('AIBENCH_SERVER', status, details))).toMatchObject({
      ...{ code: 'AIBENCH_SERVER', status, message: `h:7070 answered ${status}: ${words}` },
      hint: expect.stringContaining(hint),
    });
  });

  it('names the key where the server wants one, and the flag of a limit', () => {
    const refused = failed(
      'AIBENCH_SERVER',
      'PERMISSION_DENIED',
      'Token Authorization failed. Token either incorrect',
    );
    expect(callError(refused).hint).toContain('AIBENCH_BEARER_TOKEN');
    const late = failed('AIBENCH_TIMEOUT', 'DEADLINE_EXCEEDED', 'late');
    expect(callError(late)).toBe(late);
    expect(predictionError(late)).toMatchObject({
      ...{ code: 'AIBENCH_TIMEOUT', status: 'DEADLINE_EXCEEDED', hint: 'see --torchserve-read-timeout' },
    });
  });
});
