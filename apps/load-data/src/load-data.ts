import { AibenchError, exitCode, formatCount, type RowLayout } from '@aibench/core';
import { type CommandContext, writeStdout } from '@aibench/harness/cli';
import {
  type BulkWriter,
  type BulkWriterOptions,
  connectRedis,
  connectRedisCluster,
  describeRedis,
  openBulkWriter,
  parseRedisAddresses,
  type RedisAddress,
  type RedisDescription,
} from '@aibench/redis';
import { loadUseCase, type UseCase } from '@aibench/usecases';
import { BlockViews } from './block-views.js';
import type { flags } from './flags.js';
import { IdRanges } from './id-ranges.js';
import { LoadReport } from './load-report.js';
import { openRowFile, openRowStdin, type RowInput } from './row-blocks.js';
import { existsCommand, type RowCommand, rowCommands } from './row-commands.js';

type Context = CommandContext<typeof flags>;
type Addresses = readonly [RedisAddress, ...RedisAddress[]];

/** Commands of the check on their way at once: it is no part of what is measured, so it may be fast. */
const checkPipeline = 256;

/**
 * The work of `aibench-load-data`: reads a data file's rows, writes their
 * reference data, counts what the server then holds.
 *
 * @returns the exit status
 */
export async function loadData(context: Context): Promise<number> {
  const { flags: values, signal } = context;
  const useCase = await loadUseCase(values.useCase);
  const commands = rowCommands(useCase, values);
  const addresses = serverAddresses(values);
  const input = await openInput(context, useCase);
  try {
    const server = await describeServer(addresses, values.clusterMode);
    requireTensors(server, addresses, values.setTensor);
    debug(context, `${server.product} ${server.version}, reading ${input.name}`);
    const options: BulkWriterOptions = {
      cluster: values.clusterMode,
      connections: values.workers,
      pipeline: values.pipeline,
    };
    const writer = await openBulkWriter(addresses, options);
    const ids = new IdRanges();
    const report = startReport(context, writer, input, useCase, commands.length);
    try {
      await writeRows(context, { layout: useCase.row, commands, input, writer, ids, report }).catch(
        async (error: unknown) => {
          throw await afterBadInput(error, writer, ids.length);
        },
      );
      await writer.flush();
    } finally {
      report.finish();
      await writer.close();
    }
    const { confirmed } = writer.totals;
    const { elapsedMs } = report;
    const summary = `loaded ${formatCount(ids.length)} rows with ${formatCount(confirmed)} commands in ${(elapsedMs / 1_000).toFixed(2)} s, ${formatCount((confirmed / elapsedMs) * 1_000)} commands/s`;
    refuseRefused(writer);
    if (report.failure !== undefined) throw report.failure;
    if (signal.aborted) {
      await writeStdout(`interrupted: ${summary}\n`);
      return exitCode.interrupted;
    }
    if (!values.check) {
      await writeStdout(`${summary}\n`);
      return exitCode.ok;
    }
    const expected = ids.length * commands.length;
    const found = await countKeys(context, addresses, useCase, ids);
    if (signal.aborted) {
      await writeStdout(`${summary}; interrupted before the keys were counted\n`);
      return exitCode.interrupted;
    }
    await writeStdout(`${summary}; ${formatCount(found)} of ${formatCount(expected)} keys are there\n`);
    if (found !== expected) throw keysMissing(server, found, expected);
    return exitCode.ok;
  } finally {
    await input.close();
  }
}

function serverAddresses(values: Context['flags']): Addresses {
  const tls = { caPath: values.tlsCa === '' ? undefined : values.tlsCa, insecure: values.tlsInsecure };
  const addresses = parseRedisAddresses(values.redisHost, { tls });
  if (addresses.length > 1 && !values.clusterMode) {
    throw new AibenchError('AIBENCH_USAGE', `--redis-host names ${addresses.length} servers`, {
      hint: 'several are taken for nodes of one cluster, with --cluster-mode',
    });
  }
  return addresses;
}

function openInput({ flags: values, signal }: Context, useCase: UseCase): Promise<RowInput> | RowInput {
  const options = { rowBytes: useCase.row.sizeBytes, allowTruncated: values.allowTruncated, signal };
  if (values.file !== '') return openRowFile(values.file, options);
  if (process.stdin.isTTY) {
    throw new AibenchError('AIBENCH_USAGE', 'there is no data: stdin is a terminal', {
      hint: 'name a data file with --file, or pipe one in',
    });
  }
  return openRowStdin(process.stdin, options);
}

async function describeServer(addresses: Addresses, clusterMode: boolean): Promise<RedisDescription> {
  if (!clusterMode) {
    const connection = await connectRedis(addresses[0]);
    try {
      return await describeRedis(connection);
    } finally {
      await connection.close();
    }
  }
  const cluster = await connectRedisCluster(addresses);
  try {
    const [master] = await cluster.masters();
    if (master === undefined) {
      throw new AibenchError('AIBENCH_SERVER', `the cluster at ${cluster.address} has no slots`);
    }
    return await describeRedis(master);
  } finally {
    await cluster.close();
  }
}

function requireTensors(server: RedisDescription, addresses: Addresses, setTensor: boolean): void {
  if (!setTensor || server.aiCommands !== undefined) return;
  const [{ host, port }] = addresses;
  throw new AibenchError(
    'AIBENCH_SERVER',
    `${host}:${port} has no AI.TENSORSET, it is ${server.product} ${server.version} without RedisAI`,
    { hint: '--set-tensor=false stores strings only, which any Redis can' },
  );
}

function startReport(
  { flags: values, given, stdout, stderr }: Context,
  writer: BulkWriter,
  input: RowInput,
  useCase: UseCase,
  commandsPerRow: number,
): LoadReport {
  const rows =
    input.sizeBytes === undefined ? undefined : Math.floor(input.sizeBytes / useCase.row.sizeBytes);
  const limited = values.maxInserts === 0 ? rows : Math.min(values.maxInserts, rows ?? values.maxInserts);
  return new LoadReport({
    commands: () => writer.totals.confirmed,
    totalCommands: limited === undefined ? undefined : limited * commandsPerRow,
    periodMs: values.reportingPeriodMs,
    // A person sees the bar; the lines are for programs, and for who asks for them.
    lines: !stdout.isTTY || given.has('reporting-period'),
    stderr,
  });
}

interface Load {
  readonly layout: RowLayout;
  readonly commands: readonly RowCommand[];
  readonly input: RowInput;
  readonly writer: BulkWriter;
  readonly ids: IdRanges;
  readonly report: LoadReport;
}

/** Gives every row to the writer, until the rows end, the limit is reached, a command is refused or the run is interrupted. */
async function writeRows({ flags: values, signal }: Context, load: Load): Promise<void> {
  const { layout, commands, input, writer, ids, report } = load;
  const limit = values.maxInserts === 0 ? Number.POSITIVE_INFINITY : values.maxInserts;
  const views = new BlockViews(layout.sizeBytes, commands);
  const { refusals } = writer;
  for await (const block of input.blocks()) {
    const { rows, blobs } = views.of(block);
    const count = block.length / layout.sizeBytes;
    for (let i = 0; i < count; i++) {
      if (ids.length >= limit || signal.aborted || refusals.length > 0 || report.failure !== undefined)
        return;
      const id = layout.hasId ? readId(layout, rows[i]!, input.name, ids.length + 1) : ids.length;
      for (let c = 0; c < commands.length; c++) {
        const wait = writer.add(commands[c]!.template, id, blobs[c]![i]!);
        if (wait !== undefined) await wait;
      }
      ids.push(id);
    }
  }
}

/** Input that turns out bad half-way, as only a stream's can, has been loaded up to there. */
async function afterBadInput(error: unknown, writer: BulkWriter, rows: number): Promise<unknown> {
  if (!(error instanceof AibenchError) || error.code !== 'AIBENCH_INPUT' || rows === 0) return error;
  await writer.flush();
  const { code, message, hint } = error;
  return new AibenchError(code, `${message}; the ${rows} rows before it are loaded`, { hint, cause: error });
}

function readId(layout: RowLayout, row: Uint8Array, name: string, rowNumber: number): number {
  try {
    return layout.readId(row);
  } catch (cause) {
    if (!(cause instanceof AibenchError)) throw cause;
    throw new AibenchError(cause.code, `${name}, row ${rowNumber}: ${cause.message}`, {
      hint: cause.hint,
      cause,
    });
  }
}

/** Turns commands that were refused into the run's error. */
function refuseRefused(writer: BulkWriter): void {
  const { refused, confirmed } = writer.totals;
  const [first] = writer.refusals;
  if (first === undefined) return;
  throw new AibenchError(
    'AIBENCH_SERVER',
    `${first.address} refused ${refused} commands after ${confirmed} were carried out; the first, ${first.command} ${first.key}: ${first.text}`,
    { hint: refusalHint(first.text) },
  );
}

function refusalHint(text: string): string | undefined {
  if (text.startsWith('OOM')) return "the server's maxmemory is too small for this data";
  if (text.startsWith('MOVED') || text.startsWith('ASK'))
    return 'it is a node of a Redis Cluster: pass --cluster-mode';
  if (text.startsWith('READONLY')) return 'it is a replica: name its master with --redis-host';
  if (/unknown command/i.test(text)) return '--set-tensor=false stores strings only';
  return undefined;
}

/** How many of the keys of the rows loaded the server holds now. */
async function countKeys(
  { flags: values, signal }: Context,
  addresses: Addresses,
  useCase: UseCase,
  ids: IdRanges,
): Promise<number> {
  const exists = existsCommand(useCase, values);
  const checker = await openBulkWriter(addresses, { cluster: values.clusterMode, pipeline: checkPipeline });
  try {
    for (const id of ids) {
      if (signal.aborted) break;
      const wait = checker.add(exists, id, []);
      if (wait !== undefined) await wait;
    }
    await checker.flush();
    refuseRefused(checker);
    return checker.totals.integerSum;
  } finally {
    await checker.close();
  }
}

function keysMissing(server: RedisDescription, found: number, expected: number): AibenchError {
  return new AibenchError(
    'AIBENCH_MISSING_KEY',
    `${server.product} holds only ${found} of the ${expected} keys that it confirmed`,
    { hint: 'does it evict or expire keys? see its maxmemory-policy' },
  );
}

function debug({ flags: values, stderr }: Context, text: string): void {
  if (values.debug > 0) stderr.write(`${text}\n`);
}
