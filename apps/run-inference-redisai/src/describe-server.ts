import { AibenchError } from '@aibench/core';
import type { RunnerContext, ServerDescription } from '@aibench/harness';
import type { AiCommandFamily } from '@aibench/redis';
import { describeModel, describeRedisAi, type RedisAiDescription } from '@aibench/redisai';
import type { flags } from './flags.js';
import { openServers } from './open-servers.js';

/** What sessions need to know of the servers, found out once for all of them; part of {@link ServerDescription}. */
export interface RedisAiDetails {
  readonly cluster: boolean;
  readonly commandFamily: AiCommandFamily;
}

/** Reads the {@link RedisAiDetails} back. */
export function detailsOf({ details }: ServerDescription): RedisAiDetails {
  const { cluster, commandFamily } = details;
  return { cluster: cluster === true, commandFamily: commandFamily === 'execute' ? 'execute' : 'run' };
}

/**
 * Asks every server who it is, and sees that it has the model.
 *
 * @throws AIBENCH_CONNECTION, AIBENCH_SERVER, AIBENCH_MISSING_KEY, AIBENCH_USAGE
 */
export async function describeServer(context: RunnerContext<typeof flags>): Promise<ServerDescription> {
  const { flags: values, task } = context;
  const { shards, cluster } = await openServers(context);
  try {
    const withReference = task.references.length > 0;
    if (cluster && withReference && !values.useDag) {
      throw new AibenchError(
        'AIBENCH_USAGE',
        'in a cluster, separate commands cannot join a reference tensor and a model, whose slots differ',
        { hint: 'pass --use-dag, or leave out --enable-reference-data-redis' },
      );
    }
    const described = await Promise.all(shards.list.map(({ connection }) => describeRedisAi(connection)));
    const commandFamily = chooseFamily(values.commandFamily, described, cluster && withReference);
    const models = await Promise.all(
      shards.list.map(({ connection, model }) => describeModel(connection, model)),
    );
    const first = described[0]!;
    return {
      product: first.product,
      version: first.version,
      isReference: described.some(({ isReference }) => isReference),
      details: {
        addresses: shards.list.map(({ connection }) => connection.address).join(','),
        models: shards.list.map(({ model }) => model).join(','),
        modelFilename: values.modelFilename,
        ...models[0]!,
        redisVersion: first.redisVersion,
        ...first.settings,
        cluster,
        commandFamily,
      } satisfies RedisAiDetails & ServerDescription['details'],
    };
  } finally {
    await shards.close();
  }
}

/**
 * In a cluster, AI.DAGEXECUTE demands that the model lies in the reference
 * tensor's slot, which it cannot for every row; AI.DAGRUN is content with the same shard.
 */
function chooseFamily(
  wanted: 'auto' | 'new' | 'old',
  described: readonly RedisAiDescription[],
  slotsDiffer: boolean,
): AiCommandFamily {
  const lacking = described.find(({ aiCommands }) => aiCommands === 'run');
  if (wanted !== 'new') return wanted === 'old' || slotsDiffer || lacking !== undefined ? 'run' : 'execute';
  if (slotsDiffer) {
    throw new AibenchError(
      'AIBENCH_USAGE',
      'in a cluster, AI.DAGEXECUTE cannot join a reference tensor and a model, whose slots differ',
      { hint: 'leave out --command-family' },
    );
  }
  if (lacking !== undefined) {
    throw new AibenchError(
      'AIBENCH_SERVER',
      `${lacking.product} ${lacking.version} lacks the newer commands`,
      {
        hint: 'leave out --command-family',
      },
    );
  }
  return 'execute';
}
