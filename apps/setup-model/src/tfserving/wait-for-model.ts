import { setTimeout as sleep } from 'node:timers/promises';
import { AibenchError, formatDurationMs } from '@aibench/core';
import {
  askModelStatus,
  type ControlCalls,
  formatModel,
  formatVersions,
  type ModelChoice,
  type ModelStatus,
} from '@aibench/tfserving';

/** How long a {@link waitForModel} waits. */
export interface WaitOptions {
  readonly limitMs: number;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/** How often a server is asked. */
const periodMs = 200;

/** What a server says of a model; no versions where it does not have it. */
export async function statusOf(calls: ControlCalls, choice: ModelChoice): Promise<ModelStatus> {
  try {
    return await askModelStatus(calls, choice);
  } catch (error) {
    if (!(error instanceof AibenchError) || error.status !== 'NOT_FOUND') throw error;
    return { versions: [], serverHeader: undefined };
  }
}

/**
 * Waits until a server has loaded a version of a model.
 *
 * @throws AIBENCH_SERVER where it could not be loaded, AIBENCH_TIMEOUT where it is not there in time
 */
export async function waitForModel(
  calls: ControlCalls,
  choice: ModelChoice,
  { limitMs, signal }: WaitOptions,
): Promise<ModelStatus> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const status = await statusOf(calls, choice);
    const { versions } = status;
    if (versions.some(({ state }) => state === 'AVAILABLE')) return status;
    const failed = versions.find(({ state, error }) => state === 'END' && error !== '');
    if (failed !== undefined) {
      const message = `${calls.address} could not load ${formatModel(choice)}: ${failed.error}`;
      throw new AibenchError('AIBENCH_SERVER', message, { hint: "the server's log says more" });
    }
    if (performance.now() >= endMs) {
      const seen = versions.length === 0 ? 'it does not have it' : formatVersions(versions);
      throw new AibenchError(
        'AIBENCH_TIMEOUT',
        `${calls.address} has not loaded ${formatModel(choice)} within ${formatDurationMs(limitMs)}: ${seen}`,
        {
          hint: 'does it read this folder and poll models.config? see --model-base-path, --server-base-path and --load-timeout',
        },
      );
    }
    await sleep(periodMs, undefined, { signal }).catch((cause: unknown) => {
      throw new AibenchError('AIBENCH_INTERRUPTED', 'interrupted', { cause });
    });
  }
}
