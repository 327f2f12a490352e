import { AibenchError } from '@aibench/core';
import { type ControlCalls, GetModelStatusResponse, ModelVersionStatus_State } from '@aibench/tfserving';
import { describe, expect, it } from 'vitest';
import { waitForModel } from './wait-for-model.js';

const choice = { model: 'm', version: 1 };

/** A server that says one thing after another, and the last for ever. */
function server(
  ...says: readonly (keyof typeof ModelVersionStatus_State | 'NOT_FOUND' | 'UNAVAILABLE')[]
): ControlCalls {
  let calls = 0;
  return {
    address: 'a:1',
    async call() {
      const state = says[Math.min(calls, says.length - 1)]!;
      calls += 1;
      if (state === 'NOT_FOUND' || state === 'UNAVAILABLE') {
        throw new AibenchError('AIBENCH_SERVER', `a:1 answered ${state}`, { status: state });
      }
      const status = { errorMessage: state === 'END' ? 'no such op' : '' };
      const message = GetModelStatusResponse.encode(
        GetModelStatusResponse.fromPartial({
          modelVersionStatus: [{ version: 1, state: ModelVersionStatus_State[state], status }],
        }),
      ).finish();
      return { message, metadata: {} };
    },
  };
}

describe('waitForModel', () => {
  const { signal } = new AbortController();

  it('waits while it is found and loaded', async () => {
    // Asking for a version that is not there asks for the others, too.
    const calls = server('NOT_FOUND', 'NOT_FOUND', 'START', 'LOADING', 'AVAILABLE');
    const { versions } = await waitForModel(calls, choice, { limitMs: 60_000, signal });
    expect(versions).toEqual([{ version: 1, state: 'AVAILABLE', error: '' }]);
  });

  it.each([
    ['END', 'AIBENCH_SERVER', 'a:1 could not load model m version 1: no such op'],
    [
      'NOT_FOUND',
      'AIBENCH_TIMEOUT',
      'a:1 has not loaded model m version 1 within 300ms: it does not have it',
    ],
    ['LOADING', 'AIBENCH_TIMEOUT', 'a:1 has not loaded model m version 1 within 300ms: 1 LOADING'],
    ['UNAVAILABLE', 'AIBENCH_SERVER', 'a:1 answered UNAVAILABLE'],
  ] as const)('fails where it is %s', async (state, code, message) => {
    const waiting = waitForModel(server(state), choice, { limitMs: 300, signal });
    await expect(waiting).rejects.toMatchObject({ code, message });
  });

  it('ends when the user interrupts', async () => {
    const controller = new AbortController();
    const waiting = waitForModel(server('LOADING'), choice, { limitMs: 60_000, signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'AIBENCH_INTERRUPTED' });
  });
});
