import type { RedisReply } from './redis-client.js';
import { replyText } from './redis-client.js';
import { answerText, type RedisConnection } from './redis-connection.js';

/**
 * Which names the RedisAI commands have: `execute` since RedisAI 1.2.3
 * (AI.MODELSTORE, AI.MODELEXECUTE, AI.DAGEXECUTE), `run` before (AI.MODELSET,
 * AI.MODELRUN, AI.DAGRUN).
 */
export type AiCommandFamily = 'execute' | 'run';

/** Who answers at a Redis address, and what it can do. */
export interface RedisDescription {
  /** `Redis`, `Valkey`, `RedisAI` where that module is loaded, or `aibench-reference-server`. */
  readonly product: string;
  /** Of the server, or of RedisAI where that is the product: `7.0.15`; `unknown` where it does not tell. */
  readonly version: string;
  /** Version of the Redis underneath. */
  readonly redisVersion: string;
  /** Whether it is this suite's reference server. */
  readonly isReference: boolean;
  /** Whether it is a node of a Redis Cluster. */
  readonly clusterEnabled: boolean;
  /** Loaded modules with their version numbers (1.2.7 is 10207). */
  readonly modules: readonly { readonly name: string; readonly version: number }[];
  /** Set where the AI.* commands are there. */
  readonly aiCommands: AiCommandFamily | undefined;
}

/** RedisAI 1.2.3, as a module's version number, brought the commands' new names. */
const firstExecuteVersion = 10_203;

/**
 * Asks a server who it is, by INFO and MODULE LIST, and by COMMAND INFO where
 * it keeps its modules to itself.
 *
 * @throws AIBENCH_CONNECTION; a server that refuses to tell is described by what it does tell
 */
export async function describeRedis(connection: RedisConnection): Promise<RedisDescription> {
  const info = parseInfo(replyText(await ask(connection, 'INFO')));
  const modules = parseModules(await ask(connection, 'MODULE', 'LIST'));
  const ai = modules.find(({ name }) => name.toLowerCase() === 'ai');
  const aiCommands = ai !== undefined && ai.version > 0 ? familyOf(ai.version) : await findFamily(connection);
  const isReference = info.get('aibench_reference_server') === '1';
  const redisVersion = info.get('valkey_version') ?? info.get('redis_version') ?? 'unknown';
  const base = {
    redisVersion,
    isReference,
    clusterEnabled: info.get('cluster_enabled') === '1',
    modules,
    aiCommands,
  };
  if (isReference) {
    const version = info.get('aibench_reference_server_version') ?? 'unknown';
    return { product: 'aibench-reference-server', version, ...base };
  }
  if (aiCommands !== undefined) {
    return { product: 'RedisAI', version: ai === undefined ? 'unknown' : versionText(ai.version), ...base };
  }
  return { product: info.has('valkey_version') ? 'Valkey' : 'Redis', version: redisVersion, ...base };
}

/** INFO's `name:value` lines as a map; headings are left out. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const entries = text.split(/\r?\n/).flatMap((line): [string, string][] => {
    const colon = line.indexOf(':');
    return colon <= 0 || line.startsWith('#') ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
  });
  return new Map(entries);
}

function familyOf(version: number): AiCommandFamily {
  return version >= firstExecuteVersion ? 'execute' : 'run';
}

/** 10207 is 1.2.7; 999999 is what builds from source say. */
function versionText(version: number): string {
  return `${Math.floor(version / 10_000)}.${Math.floor(version / 100) % 100}.${version % 100}`;
}

/** [[name, "ai", ver, 10207, ...], ...]; names and values alternate. */
function parseModules(reply: RedisReply): { name: string; version: number }[] {
  if (!Array.isArray(reply)) return [];
  return reply.map((module: RedisReply) => {
    const fields: readonly RedisReply[] = Array.isArray(module) ? module : [];
    const value = (name: string) => fields[fields.findIndex((field) => replyText(field) === name) + 1];
    return { name: replyText(value('name')), version: Number(replyText(value('ver'))) || 0 };
  });
}

async function findFamily(connection: RedisConnection): Promise<AiCommandFamily | undefined> {
  const reply = await ask(connection, 'COMMAND', 'INFO', 'AI.MODELEXECUTE', 'AI.MODELRUN');
  const [execute, run] = (Array.isArray(reply) ? reply : []).map((known: RedisReply) => Array.isArray(known));
  if (execute === true) return 'execute';
  return run === true ? 'run' : undefined;
}

/** An error answer, as to a user without the permission, is taken for no answer. */
async function ask(
  connection: RedisConnection,
  ...args: readonly [string, ...string[]]
): Promise<RedisReply> {
  try {
    return await connection.call(...args);
  } catch (error) {
    if (answerText(error) === undefined) throw error;
    return null;
  }
}
