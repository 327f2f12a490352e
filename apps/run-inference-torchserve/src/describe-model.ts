import { setTimeout as pause } from 'node:timers/promises';
import { AibenchError, errorLine } from '@aibench/core';
import { bearerTokenVariable } from '@aibench/http';
import { ManagementControl, type VersionDescription } from '@aibench/torchserve';
import type { TorchServeFlags } from './flags.js';
import type { ModelChoice } from './model-choice.js';
import type { ManagementPlace } from './server-addresses.js';

/** What was found out of a model, or why nothing was. */
export type ModelKnowledge =
  | { readonly kind: 'described'; readonly chosen: VersionDescription; readonly versions: readonly string[] }
  | { readonly kind: 'unknown'; readonly reason: string };

/** How the management port is asked. */
export interface DescribeOptions {
  /** Limit for an answer, ms. */
  readonly timeoutMs: number;
  /** Stops waiting. */
  readonly signal: AbortSignal;
}

/** An environment variable for the key for management; see `--management-token`. */
const managementTokenVariable = 'AIBENCH_MANAGEMENT_TOKEN';

/** Limit for a question to a port that nobody named, ms. */
const guessLimitMs = 2_000;

/** Workers are looked at again after so long. */
const pauseMs = 200;

/**
 * Asks the management port for the model, and waits for its workers.
 *
 * @throws AIBENCH_MISSING_KEY where the server says that it has no such model or version, AIBENCH_SERVER where no worker
 *   of it gets ready; where the user gave the port, also what keeps it from answering
 */
export async function describeModel(
  place: ManagementPlace | undefined,
  choice: Pick<ModelChoice, 'model' | 'version'>,
  values: TorchServeFlags,
  options: DescribeOptions,
): Promise<ModelKnowledge> {
  if (place === undefined) return { kind: 'unknown', reason: 'pass --torchserve-management-host' };
  const control = new ManagementControl(place.http, {
    flag: '--torchserve-management-host',
    tokenFlag: '--management-token',
    timeoutMs: place.isGiven ? options.timeoutMs : Math.min(options.timeoutMs, guessLimitMs),
    token: managementToken(values),
  });
  try {
    const versions = await control.describe(choice.model, 'all').catch((error: unknown) => {
      if (place.isGiven) throw error;
      return errorLine(error);
    });
    if (typeof versions === 'string') return { kind: 'unknown', reason: versions };
    if (versions.length === 0) throw await missingModel(control, choice.model);
    const chosen = await whenReady(control, choice, values.readyTimeoutMs, options.signal);
    if (chosen === undefined) throw missingVersion(control, choice, versions);
    return { kind: 'described', chosen, versions: versions.map(({ version }) => version) };
  } finally {
    await control.close();
  }
}

/** As the user gave it; a key that was read from a file may end in a line break. */
function managementToken({ bearerToken, managementToken: token }: TorchServeFlags): string {
  const given =
    token || process.env[managementTokenVariable] || bearerToken || process.env[bearerTokenVariable];
  return (given ?? '').trim();
}

/** The version, once the workers are ready that it should have at least; some of them do after a while. */
async function whenReady(
  control: ManagementControl,
  { model, version }: Pick<ModelChoice, 'model' | 'version'>,
  readyTimeoutMs: number,
  signal: AbortSignal,
): Promise<VersionDescription | undefined> {
  const endMs = performance.now() + readyTimeoutMs;
  for (;;) {
    const [chosen] = await control.describe(model, version);
    if (chosen === undefined) return undefined;
    const ready = readyWorkers(chosen);
    const isLate = chosen.minWorkers === 0 || performance.now() >= endMs;
    if (ready > 0 && (ready >= chosen.minWorkers || isLate)) return chosen;
    if (isLate) {
      throw new AibenchError(
        'AIBENCH_SERVER',
        `${control.address}: none of the ${chosen.workers.length} workers of model ${model} is ready`,
        {
          hint:
            chosen.minWorkers === 0
              ? 'give it workers: aibench-setup-model --server torchserve does'
              : "see the server's log, and --ready-timeout",
        },
      );
    }
    await pause(pauseMs, undefined, { signal });
  }
}

/** How many workers of a version take requests. */
export function readyWorkers({ workers }: VersionDescription): number {
  return workers.filter((status) => status === 'READY').length;
}

async function missingModel(control: ManagementControl, model: string): Promise<AibenchError> {
  const others = await control.list().catch(() => []);
  const there = others.length === 0 ? '' : `, but ${others.slice(0, 10).join(', ')}`;
  return new AibenchError('AIBENCH_MISSING_KEY', `${control.address} has no model ${model}${there}`, {
    hint: 'set it up with aibench-setup-model --server torchserve, or name another with --model or --torchserve-request-uri',
  });
}

function missingVersion(
  control: ManagementControl,
  { model, version }: Pick<ModelChoice, 'model' | 'version'>,
  versions: readonly VersionDescription[],
): AibenchError {
  const there = versions.map((each) => each.version).join(', ');
  return new AibenchError(
    'AIBENCH_MISSING_KEY',
    `${control.address} has no version ${version} of model ${model}, but ${there}`,
    { hint: 'see --model-version' },
  );
}
