import { randomBytes } from 'node:crypto';
import type { InferenceEngine } from '../inference/inference-engine.js';
import type { LoadOptions } from '../inference/inference-model.js';
import { ServerTensor } from '../inference/server-tensor.js';
import { Keyspace } from '../store/keyspace.js';
import { neverStoredModel, type StoredModel } from '../store/stored-model.js';
import type { Client } from './client.js';
import { CommandTable } from './command-table.js';
import { ServerStatistics } from './server-statistics.js';

/** Databases that `SELECT` can choose from, as in Redis. */
export const databaseCount = 16;

/** What the RESP side needs to know. */
export interface RespServiceOptions {
  readonly engine: InferenceEngine;
  readonly load: LoadOptions;
  /** Version of this package. */
  readonly version: string;
  /** Version of RedisAI whose commands are answered, as `MODULE LIST` gives it: 10205 is 1.2.5. */
  readonly redisAiVersion: number;
  /** Empty where none is asked for. */
  readonly password: string;
  readonly host: string;
  /** Switches set on the command line that change answers, for `INFO`. */
  readonly faults: Readonly<Record<string, string | number>>;
}

/** All that the connections of the RESP port share. */
export class RespService {
  readonly options: RespServiceOptions;
  readonly commands: CommandTable;
  readonly statistics = new ServerStatistics();
  readonly clients = new Map<number, Client>();
  readonly databases: readonly Keyspace[];
  readonly startedAtMs = Date.now();
  /** 40 hexadecimal digits, another one each time the server starts. */
  readonly runId = randomBytes(20).toString('hex');
  /** What counts for a model that was never stored; undefined unless the null model answers. */
  readonly absentModel: StoredModel | undefined;
  /** What counts for an input tensor that was never stored; undefined unless the null model answers. */
  readonly absentTensor: ServerTensor | undefined;
  /** Known once the server listens. */
  port = 0;
  /** Longest piece in which `AI.MODELGET` gives a model's bytes; the default is RedisAI's. */
  modelChunkBytes = 511 * 1024 * 1024;
  backendsPath = '';
  #nextClientId = 1;

  constructor(options: RespServiceOptions) {
    this.options = options;
    this.commands = new CommandTable(options.redisAiVersion);
    const { nullModel, nullOutputs } = options.load;
    this.absentModel = nullModel ? neverStoredModel(nullOutputs) : undefined;
    this.absentTensor = nullModel ? ServerTensor.zeros('float32', [1, 1]) : undefined;
    this.databases = Array.from({ length: databaseCount }, () => new Keyspace());
  }

  /** A number that no client of this server has had. */
  newClientId(): number {
    return this.#nextClientId++;
  }

  /** Removes expired keys that nobody has asked for. */
  removeExpired(): void {
    for (const database of this.databases) database.removeExpired();
  }
}
