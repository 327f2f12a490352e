import { arch, platform, release } from 'node:os';
import process from 'node:process';
import { onnxRuntimeVersion } from '../../inference/onnx-session.js';
import { productName } from '../../product-name.js';
import { redisAiVersionText, redisVersion } from '../redis-versions.js';
import type { RespService } from '../resp-service.js';

type Fields = Readonly<Record<string, string | number>>;

/** Percentiles of `INFO latencystats`: Redis's own default, and 90. */
export const latencyPercentiles: readonly number[] = [50, 90, 99, 99.9];

/** Sections of `INFO` by their names, in the order in which they are given. */
const sections: Readonly<Record<string, (service: RespService) => Fields>> = {
  server,
  clients: ({ clients }) => ({
    connected_clients: clients.size,
    blocked_clients: [...clients.values()].filter(({ isBlocked }) => isBlocked).length,
  }),
  memory,
  persistence: () => ({ loading: 0, rdb_changes_since_last_save: 0, aof_enabled: 0 }),
  stats,
  replication: () => ({ role: 'master', connected_slaves: 0 }),
  cpu: () => cpuFields('used_cpu_sys', 'used_cpu_user'),
  modules: ({ options }) => ({
    module: `name=ai,ver=${options.redisAiVersion},api=1,filters=0,usedby=[],using=[],options=[]`,
  }),
  ai_versions: ({ options }) => ({
    ai_RedisAI_version: redisAiVersionText(options.redisAiVersion),
    ai_aibench_reference_server_version: options.version,
  }),
  ai_load_time_configs: ({ options }) => ({
    ai_threads_per_queue: 1,
    ai_inter_op_parallelism: options.load.interOpThreads,
    ai_intra_op_parallelism: options.load.intraOpThreads,
  }),
  ai_backends_info: () => ({ ai_onnxruntime_version: onnxRuntimeVersion }),
  ai_cpu: () => cpuFields('ai_self_used_cpu_sys', 'ai_self_used_cpu_user'),
  cluster: () => ({ cluster_enabled: 0 }),
  keyspace,
  commandstats,
  latencystats,
};

/** Sections that `INFO MODULES` gives beside its own: those that the module adds. */
const moduleSections = ['ai_versions', 'ai_load_time_configs', 'ai_backends_info', 'ai_cpu'];

/** Sections that `INFO` without an argument leaves out, as Redis does. */
const extraSections: ReadonlySet<string> = new Set(['commandstats', 'latencystats', ...moduleSections]);

/**
 * What `INFO` answers.
 *
 * @param asked names of sections in lower case; none: the default ones; unknown names give nothing
 */
export function infoText(service: RespService, asked: readonly string[]): string {
  const wanted = new Set<string>();
  for (const name of asked.length === 0 ? ['default'] : asked) {
    if (name === 'all' || name === 'everything') for (const every of Object.keys(sections)) wanted.add(every);
    else if (name === 'default') {
      for (const every of Object.keys(sections)) if (!extraSections.has(every)) wanted.add(every);
    } else {
      wanted.add(name);
      if (name === 'modules') for (const added of moduleSections) wanted.add(added);
    }
  }
  return Object.entries(sections)
    .filter(([name]) => wanted.has(name))
    .map(([name, fields]) => sectionText(name, fields(service)))
    .join('\r\n');
}

function sectionText(name: string, fields: Fields): string {
  const title = name.startsWith('ai_') ? name : name[0]!.toUpperCase() + name.slice(1);
  const lines = Object.entries(fields).map(([field, value]) => `${field}:${value}\r\n`);
  return `# ${title}\r\n${lines.join('')}`;
}

function server(service: RespService): Fields {
  const uptimeSeconds = Math.floor((Date.now() - service.startedAtMs) / 1_000);
  return {
    redis_version: redisVersion,
    redis_mode: 'standalone',
    aibench_reference_server: 1,
    aibench_reference_server_version: service.options.version,
    aibench_reference_server_faults: faultsText(service),
    executable: productName,
    os: `${platform()} ${release()} ${arch()}`,
    arch_bits: 64,
    process_id: process.pid,
    run_id: service.runId,
    tcp_port: service.port,
    node_version: process.versions.node,
    uptime_in_seconds: uptimeSeconds,
    uptime_in_days: Math.floor(uptimeSeconds / 86_400),
  };
}

function faultsText({ options }: RespService): string {
  const faults = Object.entries(options.faults).map(([name, value]) => `${name}=${value}`);
  return faults.length === 0 ? 'none' : faults.join(' ');
}

function memory({ statistics }: RespService): Fields {
  const { rss, heapUsed, external } = process.memoryUsage();
  const used = heapUsed + external;
  statistics.peakMemoryBytes = Math.max(statistics.peakMemoryBytes, used);
  return {
    used_memory: used,
    used_memory_rss: rss,
    used_memory_peak: statistics.peakMemoryBytes,
    maxmemory: 0,
    maxmemory_policy: 'noeviction',
    mem_allocator: 'v8',
  };
}

function stats({ statistics, databases, options }: RespService): Fields {
  const total = (read: (database: RespService['databases'][number]) => number) =>
    databases.reduce((sum, database) => sum + read(database), 0);
  return {
    total_connections_received: statistics.connections,
    total_commands_processed: statistics.commands,
    instantaneous_ops_per_sec: statistics.commandsPerSecond,
    total_net_input_bytes: statistics.inputBytes,
    total_net_output_bytes: statistics.outputBytes,
    rejected_connections: statistics.rejectedConnections,
    expired_keys: total(({ expired }) => expired),
    evicted_keys: 0,
    keyspace_hits: total(({ hits }) => hits),
    keyspace_misses: total(({ misses }) => misses),
    total_error_replies: statistics.errorReplies,
    inferences: options.engine.requests,
  };
}

function cpuFields(system: string, user: string): Fields {
  const used = process.cpuUsage();
  return { [system]: (used.system / 1e6).toFixed(6), [user]: (used.user / 1e6).toFixed(6) };
}

function keyspace({ databases }: RespService): Fields {
  const fields: Record<string, string> = {};
  databases.forEach((database, index) => {
    const { size } = database;
    if (size > 0) fields[`db${index}`] = `keys=${size},expires=${database.expiringSize},avg_ttl=0`;
  });
  return fields;
}

function commandstats({ statistics }: RespService): Fields {
  const fields: Record<string, string> = {};
  for (const [name, { calls, timeUs, rejected, failed }] of statistics.byCommand()) {
    const perCall = calls === 0 ? 0 : timeUs / calls;
    fields[`cmdstat_${name}`] =
      `calls=${calls},usec=${Math.round(timeUs)},usec_per_call=${perCall.toFixed(2)},rejected_calls=${rejected},failed_calls=${failed}`;
  }
  return fields;
}

/** From the start of a command to its reply, so without the time that a request has waited to be read. */
function latencystats({ statistics }: RespService): Fields {
  const fields: Record<string, string> = {};
  for (const [name, { latency }] of statistics.byCommand()) {
    if (latency.count === 0) continue;
    const values = latencyPercentiles.map(
      (percentile) => `p${percentile}=${latency.quantileUs(percentile / 100)}`,
    );
    fields[`latency_percentiles_usec_${name}`] = values.join(',');
  }
  return fields;
}
