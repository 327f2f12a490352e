import { randomBytes } from 'node:crypto';
import type { ServerDescription, Session, SessionContext } from '@aibench/harness';
import { connectRedis } from '@aibench/redis';
import { dagCommand, openShards, rowKeys, separateCommands } from '@aibench/redisai';
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
      : ownChannel(await connectRedis(address, connectOptions));
  return openSession(context, channel, modelName(values, task), '');
}

async function connectToCluster(context: Context): Promise<Session> {
  const { flags: values, task, worker } = context;
  const model = modelName(values, task);
  const shards = await openShards(addressesOf(values), { ...connectOptions, cluster: true, model });
  const close = () => shards.close();
  const [reference] = task.references;
  if (reference === undefined) {
    // Any master will do, so each worker keeps to one.
    const { connection, model, hashTag } = shards.list[worker % shards.list.length]!;
    return openSession(context, { ...ownChannel(connection), close }, model, hashTag);
  }
  const targets = new Map(
    shards.list.map((shard) => [shard, dagTarget(context, ownChannel(shard.connection), shard.model)]),
  );
  return new DagSession((id) => targets.get(shards.owner(reference.tensorKey(id)))!, close);
}

/** A session on one server. */
function openSession(context: Context, channel: Channel, model: string, hashTag: string): Session {
  const { flags: values, task, server, worker } = context;
  if (values.useDag) {
    const target = dagTarget(context, channel, model);
    return new DagSession(
      () => target,
      () => channel.close(),
    );
  }
  // Random, since another run may ask the same server at the same time.
  const name = `w${worker}-${randomBytes(6).toString('hex')}`;
  const owner = hashTag === '' ? `{${name}}` : `${hashTag}:${name}`;
  const { commandFamily: family, cluster } = detailsOf(server);
  const commands = separateCommands(task, { family, model, owner });
  const { leftovers } = threadState(context);
  return new SeparateSession({
    ...{ task, address: channel.address, model, cluster },
    ...{ channel, commands, leftovers },
  });
}

function dagTarget({ task, server }: Context, channel: Channel, model: string): DagTarget {
  const { commandFamily: family, cluster } = detailsOf(server);
  const command = dagCommand(task, { family, model, keys: rowKeys });
  return { task, address: channel.address, model, cluster, channel, command };
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
