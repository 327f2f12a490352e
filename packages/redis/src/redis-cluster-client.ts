import { setTimeout as sleep } from 'node:timers/promises';
import { AibenchError } from '@aibench/core';
import { slotCount } from './hash-slot.js';
import { formatRedisAddress, parseRedisAddress, type RedisAddress } from './redis-address.js';
import type { RedisClient, RedisReply } from './redis-client.js';
import { replyText } from './redis-client.js';
import { answerText, type ConnectOptions, connectRedis, type RedisConnection } from './redis-connection.js';
import { encodeCommand } from './resp-encode.js';

/** How often one command is sent again before its error counts. */
const maxAttempts = 16;
/** Pause before a command is sent again that a node cannot serve yet, in ms; it doubles up to `last`. */
const retryDelayMs = { first: 20, last: 500 } as const;
const asking = encodeCommand(['ASKING']);

/**
 * The masters of a Redis Cluster, one connection each, and which of them owns
 * which slot. A command that has moved is sent again where the answer points
 * to, a bounded number of times; a lost connection is an error.
 */
export class RedisClusterClient implements RedisClient {
  readonly address: string;
  readonly #seed: RedisAddress;
  readonly #options: ConnectOptions;
  readonly #owners: (string | undefined)[] = new Array<string | undefined>(slotCount).fill(undefined);
  readonly #connections = new Map<string, Promise<RedisConnection>>();
  /** The same connections once they are open, for the fast path. */
  readonly #open = new Map<string, RedisConnection>();
  #refreshing: Promise<void> | undefined;

  /** Use {@link connectRedisCluster}. */
  constructor(seed: RedisAddress, seedConnection: RedisConnection, options: ConnectOptions) {
    this.address = seedConnection.address;
    this.#seed = seed;
    this.#options = options;
    this.#connections.set(this.address, Promise.resolve(seedConnection));
    this.#open.set(this.address, seedConnection);
  }

  /** `host:port` of the master that owns a slot, as far as is known; undefined where nobody does. */
  owner(slot: number): string | undefined {
    return this.#owners[slot];
  }

  /** Where and how to reach a node: its place, with the login and TLS settings of the cluster. */
  nodeAddress(node: string): RedisAddress {
    const { host, port } = parseRedisAddress(node);
    return { ...this.#seed, host, port, database: 0 };
  }

  /** A connection to each master that owns slots. */
  async masters(): Promise<RedisConnection[]> {
    const nodes = new Set(this.#owners.filter((owner) => owner !== undefined));
    return Promise.all([...nodes].map((node) => this.#connection(node)));
  }

  send(wire: Buffer, slot = 0): Promise<RedisReply> {
    const owner = this.#owners[slot];
    const connection = owner === undefined ? undefined : this.#open.get(owner);
    if (connection === undefined) return this.sendAgain(wire, slot, undefined);
    return connection.send(wire).catch((error: unknown) => this.sendAgain(wire, slot, error));
  }

  /**
   * Sends a command again after an error that says where or when it should be.
   *
   * @param error the error of the first attempt; undefined where there was none
   * @throws the error, where it says no such thing or the command is still redirected after 16 attempts
   */
  async sendAgain(wire: Buffer, slot: number, error: unknown): Promise<RedisReply> {
    let last = error;
    let delayMs: number = retryDelayMs.first;
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      const redirect = parseRedirect(answerText(last) ?? '');
      if (last !== undefined && redirect === undefined) throw last;
      if (redirect?.kind === 'wait') {
        await sleep(delayMs);
        delayMs = Math.min(delayMs * 2, retryDelayMs.last);
        await this.refresh();
      }
      if (redirect?.kind === 'moved') this.#owners[redirect.slot] = this.#resolveNode(redirect.node);
      try {
        if (redirect?.kind === 'ask') return await this.#ask(this.#resolveNode(redirect.node), wire);
        const owner = this.#owners[slot];
        if (owner === undefined) throw this.#slotWithoutOwner(slot);
        return await (await this.#connection(owner)).send(wire);
      } catch (again) {
        last = again;
      }
    }
    throw new AibenchError('AIBENCH_SERVER', `the cluster did not serve a command: ${answerText(last)}`, {
      cause: last,
    });
  }

  async #ask(node: string, wire: Buffer): Promise<RedisReply> {
    const connection = await this.#connection(node);
    // Sent together: the node serves the slot it is importing to the next command only.
    const permission = connection.send(asking);
    const reply = connection.send(wire);
    await Promise.allSettled([permission, reply]);
    await permission;
    return reply;
  }

  #slotWithoutOwner(slot: number): AibenchError {
    return new AibenchError('AIBENCH_SERVER', `no node of the cluster at ${this.address} owns slot ${slot}`, {
      cause: new Error('CLUSTERDOWN Hash slot not served'),
    });
  }

  /** A redirect's `host:port`, where no host means the one that answered; the cluster's first node stands for it. */
  #resolveNode(node: string): string {
    const colon = node.lastIndexOf(':');
    const host = node.slice(0, colon).replaceAll(/[[\]]/g, '');
    return formatRedisAddress({
      host: host === '' || host === '?' ? this.#seed.host : host,
      port: Number(node.slice(colon + 1)),
    });
  }

  #connection(node: string): Promise<RedisConnection> {
    let connection = this.#connections.get(node);
    if (connection === undefined) {
      connection = connectRedis(this.nodeAddress(node), this.#options);
      this.#connections.set(node, connection);
      connection.then(
        (open) => this.#open.set(node, open),
        // A node that is down now may be back at the next attempt.
        () => this.#connections.delete(node),
      );
    }
    return connection;
  }

  /** Asks the cluster anew who owns what. Calls at the same time share one question. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#readSlots().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #readSlots(): Promise<void> {
    let lastError: unknown;
    for (const node of [...this.#connections.keys()]) {
      try {
        const reply = await (await this.#connection(node)).call('CLUSTER', 'SLOTS');
        this.#takeSlots(reply);
        return;
      } catch (error) {
        lastError = error;
      }
    }
    throw lastError;
  }

  /** CLUSTER SLOTS: [[first, last, [host, port, id, ...] of the master, replicas ...], ...]. */
  #takeSlots(reply: RedisReply): void {
    this.#owners.fill(undefined);
    for (const range of asArray(reply)) {
      const [first, last, master] = asArray(range);
      const [host, port] = asArray(master ?? null);
      const name = replyText(host);
      const node = formatRedisAddress({
        // A node that does not know its own address answers nothing or a question mark for it.
        host: name === '' || name === '?' ? this.#seed.host : name,
        port: Number(port),
      });
      for (let slot = Number(first); slot <= Number(last); slot++) this.#owners[slot] = node;
    }
  }

  /** Opens a connection to every master, so that the first commands do not wait for one. */
  async connectMasters(): Promise<void> {
    await this.masters();
  }

  async close(): Promise<void> {
    const connections = [...this.#connections.values()];
    this.#connections.clear();
    this.#open.clear();
    await Promise.all(
      connections.map((connection) => connection.then((open) => open.close()).catch(() => {})),
    );
  }
}

/**
 * Connects to a Redis Cluster: asks the first node that answers for the map of
 * slots, and opens a connection to every master.
 *
 * @param addresses one or more nodes; the first one's login and TLS settings are used for all
 * @throws AIBENCH_CONNECTION when no node can be reached, AIBENCH_SERVER when it is no cluster
 */
export async function connectRedisCluster(
  addresses: readonly [RedisAddress, ...RedisAddress[]],
  options: ConnectOptions = {},
): Promise<RedisClusterClient> {
  if (addresses.some(({ database }) => database !== 0)) {
    throw new AibenchError('AIBENCH_USAGE', 'a Redis Cluster has only database 0', {
      hint: `leave the database out of ${options.flag ?? '--redis-host'}`,
    });
  }
  let lastError: unknown;
  for (const address of addresses) {
    let connection: RedisConnection;
    try {
      connection = await connectRedis(address, options);
    } catch (error) {
      lastError = error;
      continue;
    }
    const client = new RedisClusterClient(address, connection, options);
    try {
      await client.refresh();
      await client.connectMasters();
      return client;
    } catch (error) {
      await client.close();
      throw explainNoCluster(connection.address, error);
    }
  }
  throw lastError;
}

function explainNoCluster(address: string, error: unknown): unknown {
  if (!/cluster support disabled|unknown command/i.test(answerText(error) ?? '')) return error;
  return new AibenchError('AIBENCH_SERVER', `${address} is no node of a Redis Cluster`, {
    hint: 'leave out --cluster-mode',
    cause: error,
  });
}

type Redirect =
  | { readonly kind: 'moved'; readonly slot: number; readonly node: string }
  | { readonly kind: 'ask'; readonly node: string }
  | { readonly kind: 'wait' };

/** What an error answer says about where or when to send the command again; undefined where it says nothing. */
export function parseRedirect(text: string): Redirect | undefined {
  const [kind, slot = '', node = ''] = text.split(' ');
  const slotNumber = Number(slot);
  const wellFormed = /^\d+$/.test(slot) && slotNumber < slotCount && /:\d+$/.test(node);
  if (kind === 'MOVED' && wellFormed) return { kind: 'moved', slot: slotNumber, node };
  if (kind === 'ASK' && wellFormed) return { kind: 'ask', node };
  return kind === 'TRYAGAIN' || kind === 'CLUSTERDOWN' || kind === 'LOADING' ? { kind: 'wait' } : undefined;
}

function asArray(reply: RedisReply | undefined): readonly RedisReply[] {
  return Array.isArray(reply) ? (reply as readonly RedisReply[]) : [];
}
