import type { RunnerContext, Session, SessionContext } from '@aibench/harness';
import { type FlagSet, type FlagValues, flag } from '@aibench/harness/cli';
import { connectReferenceReader, isRedisCluster, parseRedisAddress, type RedisAddress } from '@aibench/redis';
import { type Channel, FetchingSession } from './fetching-session.js';

/** Flags of a runner whose server does not hold the reference data, to be spread into the runner's own. */
export const storeFlags = {
  'redis-host': flag.string({
    default: '127.0.0.1:6379',
    placeholder: 'host:port',
    describe:
      'Redis with the reference data: host:port or redis://[[user]:password@]host[:port] (rediss:// for TLS); of a cluster, any node',
    group: 'Server',
  }),
  'tls-ca': flag.string({
    default: '',
    placeholder: 'path',
    describe: "PEM file with the authorities to trust, instead of the system's, for the servers and Redis",
    group: 'Server',
  }),
  'tls-insecure': flag.boolean({
    default: false,
    describe: "Don't check the TLS certificates of the servers and Redis",
    group: 'Server',
  }),
} as const satisfies FlagSet;

/** Their values. */
export type StoreFlags = FlagValues<typeof storeFlags>;

/** What is found out of the store before the load starts; part of a server's description. */
export type StoreDetails = {
  /** Whether the reference data lies in a Redis Cluster. */
  readonly redisCluster: boolean;
};

const store = { flag: '--redis-host' } as const;

/** For a runner's `validate`. @throws AIBENCH_USAGE */
export function checkStoreFlags(flags: StoreFlags): void {
  storeAddress(flags);
}

/** How TLS connections check the peer, as the flags say, for the functions that parse a server's address. */
export function tlsChoice({ tlsCa, tlsInsecure }: StoreFlags): {
  readonly caPath: string | undefined;
  readonly insecure: boolean;
} {
  return { caPath: tlsCa === '' ? undefined : tlsCa, insecure: tlsInsecure };
}

/**
 * Sees that the store is there, where the task has reference data.
 *
 * @throws AIBENCH_CONNECTION, AIBENCH_SERVER where it refuses the login, AIBENCH_ANSWER where it is no Redis
 */
export async function describeStore({
  task,
  flags,
}: Pick<RunnerContext, 'task'> & { readonly flags: StoreFlags }): Promise<StoreDetails> {
  if (task.references.length === 0) return { redisCluster: false };
  return { redisCluster: await isRedisCluster(storeAddress(flags), store) };
}

/**
 * Opens a worker's session: a connection to the store, where the task has reference data, and a channel to its server.
 *
 * @param context with what {@link describeStore} found among the server's details
 * @param openChannel connects to the server
 */
export async function openFetchingSession(
  context: Pick<SessionContext, 'task' | 'server'> & { readonly flags: StoreFlags },
  openChannel: () => Promise<Channel>,
): Promise<Session> {
  const { task, server, flags } = context;
  const { references } = task;
  const reader =
    references.length === 0
      ? undefined
      : await connectReferenceReader([storeAddress(flags)], {
          ...store,
          cluster: server.details['redisCluster'] === true,
        });
  try {
    return new FetchingSession({ channel: await openChannel(), references, reader });
  } catch (error) {
    await reader?.close();
    throw error;
  }
}

function storeAddress(flags: StoreFlags): RedisAddress {
  return parseRedisAddress(flags.redisHost, { tls: tlsChoice(flags) });
}
