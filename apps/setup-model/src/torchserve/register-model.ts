import { setTimeout as sleep } from 'node:timers/promises';
import { AibenchError, formatDurationMs } from '@aibench/core';
import type { ManagementControl, ModelRegistration, VersionDescription } from '@aibench/torchserve';

/** How often a server is asked for its workers. */
const periodMs = 200;

/** A model's place on a server, and how long it may take to get there. */
export interface WantedModel {
  readonly model: string;
  readonly version: string;
  readonly limitMs: number;
  /** Ends the wait. */
  readonly signal: AbortSignal;
}

/**
 * Registers a model, in place of what has its name and version, makes its version the default, and waits until all its
 * workers are ready.
 *
 * @throws AIBENCH_SERVER with the server's words where it cannot, AIBENCH_TIMEOUT where workers are not there in time
 */
export async function registerModel(
  control: ManagementControl,
  registration: ModelRegistration,
  wanted: WantedModel,
): Promise<VersionDescription> {
  const { model, version } = wanted;
  const versions = (await control.describe(model, 'all')).map((found) => found.version);
  const others = versions.filter((found) => found !== version);
  if (others.length < versions.length) {
    // The default cannot be taken away while there are others.
    if (others[0] !== undefined) await control.setDefault(model, others[0]);
    await control.unregister(model, version);
  }
  await control.register(registration).catch((error: unknown) => {
    throw notRegistered(control.address, wanted, error);
  });
  if (others.length > 0) await control.setDefault(model, version);
  return waitForWorkers(control, registration.workers, wanted);
}

async function waitForWorkers(
  control: ManagementControl,
  workers: number,
  { model, version, limitMs, signal }: WantedModel,
): Promise<VersionDescription> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const [found] = await control.describe(model, version);
    const ready = found?.workers.filter((status) => status === 'READY').length ?? 0;
    if (found !== undefined && ready >= workers) return found;
    if (performance.now() >= endMs) {
      throw new AibenchError(
        'AIBENCH_TIMEOUT',
        `${control.address} has ${ready} of ${workers} workers of model ${model} ready after ${formatDurationMs(limitMs)}`,
        { hint: "the server's log says more; see --load-timeout and --model-workers" },
      );
    }
    await sleep(periodMs, undefined, { signal }).catch((cause: unknown) => {
      throw new AibenchError('AIBENCH_INTERRUPTED', 'interrupted', { cause });
    });
  }
}

function notRegistered(address: string, { model, limitMs }: WantedModel, cause: unknown): unknown {
  if (cause instanceof AibenchError && cause.code === 'AIBENCH_TIMEOUT') {
    const message = `${address} has not registered model ${model} within ${formatDurationMs(limitMs)}`;
    return new AibenchError('AIBENCH_TIMEOUT', message, {
      hint: "the server's log says more; see --load-timeout",
      cause,
    });
  }
  if (!(cause instanceof AibenchError) || cause.code !== 'AIBENCH_SERVER') return cause;
  const words = cause.message.replace(`${address} answered `, '');
  return new AibenchError('AIBENCH_SERVER', `${address} cannot register model ${model}: ${words}`, {
    hint: cause.hint ?? hintFor(words),
    status: cause.status,
    cause,
  });
}

function hintFor(words: string): string {
  if (/not found at/i.test(words)) return "is --model-store the server's own model store?";
  return "the server's log says why; its Python needs numpy and onnxruntime, or torch for a .pt";
}
