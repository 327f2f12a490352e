import { AibenchError } from '@aibench/core';
import type { BulkBatch } from './bulk-batch.js';
import { BulkLane } from './bulk-lane.js';
import { BulkLedger, type BulkTotals, type RefusedCommand } from './bulk-ledger.js';
import type { CommandTemplate } from './command-template.js';
import { answeredError } from './connection-error.js';
import { hashSlot } from './hash-slot.js';
import { formatRedisAddress, type RedisAddress } from './redis-address.js';
import { connectRedisCluster, parseRedirect, type RedisClusterClient } from './redis-cluster-client.js';
import { answerText, type ConnectOptions } from './redis-connection.js';
import { RedisSocket } from './redis-socket.js';
import { ReplyError, type ScannedReply } from './reply-scanner.js';

/** How a {@link BulkWriter} writes. */
export interface BulkWriterOptions extends ConnectOptions {
  /** Whether the addresses are nodes of a Redis Cluster. Default false. */
  readonly cluster?: boolean;
  /** Connections, to each master in a cluster. Default 1. */
  readonly connections?: number;
  /** Commands on their way at most on each connection. Default 100. */
  readonly pipeline?: number;
  /** The run fails when commands are on their way and no reply has come for this long. Default 30,000. */
  readonly stallTimeoutMs?: number;
}

/** Redirected commands that are being sent again, before the writer waits for them. */
const maxRedirectsPending = 1_000;

/**
 * Writes many commands to Redis or to a Redis Cluster as fast as it takes them:
 * encoded batches straight to sockets, replies counted. Every command is
 * accounted for: confirmed, refused with the server's words, or, when a
 * connection is lost, reported as unconfirmed.
 */
export class BulkWriter {
  readonly #addresses: readonly [RedisAddress, ...RedisAddress[]];
  readonly #options: BulkWriterOptions;
  readonly #cluster: RedisClusterClient | undefined;
  readonly #lanes: BulkLane[] = [];
  /** Lanes of each node, in a cluster. A node whose lanes are being opened has none yet. */
  readonly #lanesByNode = new Map<string, BulkLane[]>();
  readonly #ledger = new BulkLedger();
  #current = 0;
  #redirectsPending = 0;
  #failure: AibenchError | undefined;
  #wake: (() => void) | undefined;
  #lastAnswered = -1;
  readonly #watchdog: NodeJS.Timeout;

  /** Use {@link openBulkWriter}. */
  constructor(
    addresses: readonly [RedisAddress, ...RedisAddress[]],
    options: BulkWriterOptions,
    cluster: RedisClusterClient | undefined,
  ) {
    this.#addresses = addresses;
    this.#options = options;
    this.#cluster = cluster;
    const { stallTimeoutMs = 30_000 } = options;
    this.#watchdog = setInterval(() => this.#watch(stallTimeoutMs), stallTimeoutMs);
    this.#watchdog.unref();
  }

  /** Opens the connections. */
  async open(): Promise<void> {
    try {
      if (this.#cluster === undefined) await this.#openLanes(this.#addresses[0]);
      else await Promise.all((await this.#cluster.masters()).map((master) => this.#openNode(master.address)));
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** What has become of the commands so far. */
  get totals(): BulkTotals {
    return this.#ledger.totals;
  }

  /** The first commands that were refused. */
  get refusals(): readonly RefusedCommand[] {
    return this.#ledger.refusals;
  }

  /**
   * Takes a command. Blobs are copied, before this returns or before the
   * promise settles.
   *
   * @returns undefined when it was taken at once, else a promise to wait for before the next call
   * @throws AIBENCH_CONNECTION or AIBENCH_TIMEOUT once a connection has failed
   */
  add(template: CommandTemplate, id: number, blobs: readonly Uint8Array[]): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#place(template, id, blobs) ? undefined : this.#addLater(template, id, blobs);
  }

  /**
   * Sends what is left and waits until every command is answered.
   *
   * @throws AIBENCH_CONNECTION or AIBENCH_TIMEOUT when a connection has failed
   */
  async flush(): Promise<void> {
    for (const lane of this.#lanes) lane.send();
    while (this.#failure === undefined && this.#ledger.answered < this.#ledger.added) await this.#progress();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Closes the connections at once. */
  async close(): Promise<void> {
    clearInterval(this.#watchdog);
    for (const lane of this.#lanes) lane.destroy();
    await this.#cluster?.close();
  }

  #place(template: CommandTemplate, id: number, blobs: readonly Uint8Array[]): boolean {
    const lane = this.#cluster === undefined ? this.#anyLane() : this.#laneOfKey(template, id);
    const batch = lane?.batch();
    if (lane === undefined || batch === undefined) return false;
    batch.add(template, id, blobs);
    this.#ledger.added += 1;
    if (batch.isFull) {
      lane.send();
      this.#current += 1;
    }
    return true;
  }

  async #addLater(template: CommandTemplate, id: number, blobs: readonly Uint8Array[]): Promise<void> {
    do {
      await this.#progress();
      if (this.#failure !== undefined) throw this.#failure;
    } while (!this.#place(template, id, blobs));
  }

  /** Fills one lane's batch after the other's. */
  #anyLane(): BulkLane | undefined {
    return firstWithRoom(this.#lanes, this.#current);
  }

  #laneOfKey(template: CommandTemplate, id: number): BulkLane | undefined {
    if (this.#redirectsPending >= maxRedirectsPending) return undefined;
    const node = this.#cluster?.owner(hashSlot(template.key(id) ?? '')) ?? this.#cluster?.address ?? '';
    const lanes = this.#lanesByNode.get(node);
    if (lanes !== undefined) return firstWithRoom(lanes, this.#current);
    this.#openNode(node).catch((error: AibenchError) => this.#fail(error));
    return undefined;
  }

  async #openNode(node: string): Promise<void> {
    const lanes: BulkLane[] = [];
    this.#lanesByNode.set(node, lanes);
    lanes.push(...(await this.#openLanes(this.#cluster!.nodeAddress(node))));
    this.#wakeUp();
  }

  async #openLanes(address: RedisAddress): Promise<BulkLane[]> {
    const { connections = 1, pipeline = 100 } = this.#options;
    const opening = Array.from({ length: connections }, () => RedisSocket.open(address, this.#options));
    const opened = await Promise.allSettled(opening);
    const failed = opened.find((result) => result.status === 'rejected');
    const sockets = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    if (failed !== undefined) {
      for (const socket of sockets) socket.destroy();
      throw failed.reason;
    }
    const lanes = sockets.map(
      (socket) =>
        new BulkLane(socket, pipeline, {
          onReply: (lane, batch, index, reply) => this.#takeReply(lane, batch, index, reply),
          onBatchDone: () => this.#wakeUp(),
          onLost: (error) => this.#fail(error),
        }),
    );
    this.#lanes.push(...lanes);
    return lanes;
  }

  #takeReply(lane: BulkLane, batch: BulkBatch, index: number, reply: ScannedReply): void {
    if (reply instanceof ReplyError) {
      if (this.#cluster !== undefined && parseRedirect(reply.text) !== undefined) {
        void this.#redirect(this.#cluster, lane.address, batch, index, reply.text);
      } else {
        this.#refuse(batch, index, lane.address, reply.text);
      }
      return;
    }
    this.#ledger.confirm(reply);
  }

  #refuse(batch: BulkBatch, index: number, address: string, text: string): void {
    const { template, id } = batch.command(index);
    this.#ledger.refuse({ command: template.name, key: template.key(id), address, text });
  }

  /** Sends one command again where the cluster says; the batch goes on without it. */
  async #redirect(
    cluster: RedisClusterClient,
    address: string,
    batch: BulkBatch,
    index: number,
    text: string,
  ): Promise<void> {
    const wire = batch.copyCommand(index);
    const { template, id } = batch.command(index);
    const key = template.key(id);
    this.#ledger.redirected += 1;
    this.#redirectsPending += 1;
    try {
      const error = answeredError(address, text, new Error(text));
      this.#ledger.confirm(await cluster.sendAgain(wire, hashSlot(key ?? ''), error));
    } catch (error) {
      const refused = answerText(error);
      if (refused === undefined) this.#fail(error as AibenchError);
      else this.#ledger.refuse({ command: template.name, key, address, text: refused });
    } finally {
      this.#redirectsPending -= 1;
      this.#wakeUp();
    }
  }

  #progress(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#wake;
      this.#wake = () => {
        before?.();
        resolve();
      };
    });
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #fail(error: AibenchError): void {
    if (this.#failure === undefined) {
      const { code, message, hint } = error;
      const { confirmed, added } = this.#ledger;
      const counts = `${confirmed} of ${added} commands were confirmed`;
      this.#failure = new AibenchError(code, `${message}; ${counts}`, { hint, cause: error });
      for (const lane of this.#lanes) lane.destroy();
    }
    this.#wakeUp();
  }

  #watch(stallTimeoutMs: number): void {
    const { answered, added } = this.#ledger;
    if (answered < added && answered === this.#lastAnswered) {
      const address = this.#cluster?.address ?? formatRedisAddress(this.#addresses[0]);
      this.#fail(
        new AibenchError(
          'AIBENCH_TIMEOUT',
          `Redis at ${address} has not answered for ${stallTimeoutMs / 1000} s`,
        ),
      );
    }
    this.#lastAnswered = answered;
  }
}

/**
 * Connects for writing in bulk.
 *
 * @param addresses one address, or nodes of a cluster
 * @throws AIBENCH_CONNECTION, AIBENCH_SERVER or AIBENCH_ANSWER as `connectRedis` does
 */
export async function openBulkWriter(
  addresses: readonly [RedisAddress, ...RedisAddress[]],
  options: BulkWriterOptions = {},
): Promise<BulkWriter> {
  const cluster = options.cluster === true ? await connectRedisCluster(addresses, options) : undefined;
  const writer = new BulkWriter(addresses, options, cluster);
  await writer.open();
  return writer;
}

function firstWithRoom(lanes: readonly BulkLane[], first: number): BulkLane | undefined {
  for (let i = 0; i < lanes.length; i++) {
    const lane = lanes[(first + i) % lanes.length]!;
    if (lane.batch() !== undefined) return lane;
  }
  return undefined;
}
