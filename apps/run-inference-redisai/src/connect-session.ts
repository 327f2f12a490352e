import { randomBytes } from 'node:crypto';
import { ByRowCount } from '@aibench/core';
import { requestTensors, type ServerDescription, type Session, type SessionContext } from '@aibench/harness';
import { openRequestConnection } from '@aibench/redis';
import { dagCommand, openShards, ownKeys, rowKeys, type Shard, separateCommands } from '@aibench/redisai';
import { type Channel, ownChannel } from './channel.js';
import { DagSession, type DagTarget } from './dag-session.js';
import { detailsOf } from './describe-server.js';
import type { flags } from './flags.js';
import { Leftovers } from './leftovers.js';
import { addressesOf, connectOptions, modelName } from './open-servers.js';
import { SeparateSession } from './separate-session.js';
import { SharedChannels } from './shared-channels.js';

type Context = SessionContext<typeof flags>;

/** Opens a worker's session, in the way that the flags and the servers call for. */
export function connectSession(context: Context): Promise<Session> {
  return detailsOf(context.server).cluster ? connectToCluster(context) : connectToServer(context);
}

async function connectToServer(context: Context): Promise<Session> {
  const { flags: values, task, worker } = context;
  const addresses = addressesOf(values);
  const address = addresses[worker % addresses.length]!;
  const channel =
    values.poolPipelineConcurrency > 0
      ? await threadState(context).channels.join(address)
      : ownChannel(await openRequestConnection(address, connectOptions));
  return openSession(context, channel, modelName(values, task), '');
}

async function connectToCluster(context: Context): Promise<Session> {
  const { flags: values, task, worker } = context;
  const model = modelName(values, task);
  const shards = await openShards(addressesOf(values), { ...connectOptions, cluster: true, model });
  // They have told who owns what; requests go over connections of their own.
  await shards.close();
  const [reference] = task.references;
  if (reference === undefined) {
    // Any master will do, so each worker keeps to one.
    const shard = shards.list[worker % shards.list.length]!;
    const connection = await openRequestConnection(shard.address, connectOptions);
    return openSession(context, ownChannel(connection), shard.model, shard.hashTag);
  }
  const targets = await targetsOf(context, shards.list);
  return new DagSession(
    (id) => targets.get(shards.owner(reference.tensorKey(id)))!,
    [...targets.values()].map(({ channel }) => channel),
  );
}

/** A connection to each shard; all of them or, where one cannot be opened, none. */
async function targetsOf(context: Context, shards: readonly Shard[]): Promise<ReadonlyMap<Shard, DagTarget>> {
  const targets = new Map<Shard, DagTarget>();
  try {
    for (const shard of shards) {
      const connection = await openRequestConnection(shard.address, connectOptions);
      targets.set(shard, dagTarget(context, ownChannel(connection), shard.model));
    }
    return targets;
  } catch (error) {
    await Promise.all([...targets.values()].map(({ channel }) => channel.close()));
    throw error;
  }
}

/** A session on one server. */
function openSession(context: Context, channel: Channel, model: string, hashTag: string): Session {
  const { flags: values, task, server, worker } = context;
  if (values.useDag) {
    const target = dagTarget(context, channel, model);
    return new DagSession(() => target, [channel]);
  }
  // Random, since another run may ask the same server at the same time.
  const name = `w${worker}-${randomBytes(6).toString('hex')}`;
  const owner = hashTag === '' ? `{${name}}` : `${hashTag}:${name}`;
  const { commandFamily: family, cluster } = detailsOf(server);
  const forms = new ByRowCount((rowCount) => {
    const tensors = requestTensors(task, rowCount);
    const commands = separateCommands(tensors, { family, model, owner });
    return { task: tensors, address: channel.address, model, cluster, commands };
  });
  const { ownKeys } = forms.get(task.batchSize).commands;
  return new SeparateSession({ channel, forms, ownKeys, leftovers: threadState(context).leftovers });
}

function dagTarget(context: Context, channel: Channel, model: string): DagTarget {
  const { flags: values, server, task, worker } = context;
  const { commandFamily: family, cluster } = detailsOf(server);
  const persist = values.persistResults;
  // What stays in the store is written over by the worker's next answer, as in the Go suite.
  const keys = persist ? ownKeys(`{w${worker}}`) : rowKeys;
  const forms = new ByRowCount((rowCount) => {
    const tensors = requestTensors(task, rowCount);
    const command = dagCommand(tensors, { family, model, keys, persist });
    return { task: tensors, address: channel.address, model, cluster, command };
  });
  // The first request must not have to make it.
  forms.get(task.batchSize);
  return { channel, forms };
}

/** What the sessions of a thread share. */
interface ThreadState {
  readonly channels: SharedChannels;
  readonly leftovers: Leftovers;
}

/** By the servers' description, which is one object for all sessions of a run's thread. */
const states = new WeakMap<ServerDescription, ThreadState>();

function threadState({ server, flags: values }: Context): ThreadState {
  let state = states.get(server);
  if (state === undefined) {
    const { poolPipelineConcurrency: workers, poolPipelineWindowMs: windowMs } = values;
    const channels = new SharedChannels({ ...connectOptions, workers, windowMs });
    state = { channels, leftovers: new Leftovers() };
    states.set(server, state);
  }
  return state;
}
