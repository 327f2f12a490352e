import { setTimeout as pause } from 'node:timers/promises';
import { AibenchError, formatDurationMs } from '@aibench/core';
import { type ControlClient, openControlClient } from '@aibench/grpc';
import { type HttpAnswer, HttpConnection, statusError } from '@aibench/http';
import { Empty, pingPath, TorchServeHealthResponse, torchServeMethod } from '@aibench/torchserve';
import type { ServerPlace } from './server-addresses.js';
import { answerError, callError } from './server-errors.js';

/** How a server is asked for its health. */
export interface ProbeOptions {
  /** Limit for an answer, ms. */
  readonly timeoutMs: number;
  /** How long it may be not healthy, ms. */
  readonly readyTimeoutMs: number;
  /** Of every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether what is asked over HTTP may be a gateway, which has no health check of TorchServe's. */
  readonly isGateway: boolean;
  /** Stops waiting. */
  readonly signal: AbortSignal;
}

/** Who answers. */
export interface ServerIdentity {
  /** What the header `server` says: `aibench-reference-server/0.1.0`; undefined for TorchServe, which sends none. */
  readonly header: string | undefined;
  /** As the description of its API has it; undefined where it tells none. */
  readonly version: string | undefined;
}

/** What a server says of its health. */
interface Health {
  /** `Healthy` */
  readonly status: string;
  readonly header: string | undefined;
}

/** With some of its workers down, a server takes requests all the same. */
const healthy = /^(partial )?healthy$/i;

/** A server is asked again after so long. */
const pauseMs = 200;

/**
 * Waits until a server is healthy, and sees who it is.
 *
 * @throws AIBENCH_SERVER where it is not healthy in time, or answers otherwise; AIBENCH_CONNECTION, AIBENCH_TIMEOUT,
 *   AIBENCH_ANSWER where it is no TorchServe
 */
export async function probeServer(place: ServerPlace, options: ProbeOptions): Promise<ServerIdentity> {
  const { inference } = place;
  if (inference.protocol === 'http') {
    const connection = new HttpConnection(inference.http, {
      flag: '--torchserve-host',
      timeoutMs: options.timeoutMs,
    });
    try {
      const { header } = await waitUntilHealthy(place, options, () => httpHealth(connection, options));
      return { header, version: await apiVersion(connection, options.headers) };
    } finally {
      await connection.close();
    }
  }
  const client = openControlClient(inference.grpc, {
    ...{ flag: '--torchserve-grpc-host', timeoutMs: options.timeoutMs, headers: options.headers },
  });
  try {
    const { header } = await waitUntilHealthy(place, options, () => grpcHealth(client));
    return { header, version: undefined };
  } finally {
    await client.close();
  }
}

async function waitUntilHealthy(
  { address }: ServerPlace,
  { readyTimeoutMs, signal }: ProbeOptions,
  ask: () => Promise<Health>,
): Promise<Health> {
  const endMs = performance.now() + readyTimeoutMs;
  for (;;) {
    const health = await ask();
    if (healthy.test(health.status)) return health;
    if (performance.now() >= endMs) {
      throw new AibenchError(
        'AIBENCH_SERVER',
        `${address} is not healthy after ${formatDurationMs(readyTimeoutMs)}: ${health.status}`,
        { hint: "its workers may be starting: see the server's log, and --ready-timeout" },
      );
    }
    await pause(pauseMs, undefined, { signal });
  }
}

async function httpHealth(connection: HttpConnection, { headers, isGateway }: ProbeOptions): Promise<Health> {
  const answer = await connection.send({ method: 'GET', path: pingPath, headers });
  const { address } = connection;
  const status = statusOf(answer.body.toString());
  // TorchServe answers 500 then, as no one else would; a gateway before it 503.
  if (answer.status === 503 || (answer.status === 500 && status !== undefined)) {
    return { status: status ?? statusError(address, answer).message, header: undefined };
  }
  const isMissing = answer.status === 404 || answer.status === 405;
  if (isGateway && (isMissing || answer.status === 200)) {
    return { status: status ?? 'Healthy', header: headerOf(answer) };
  }
  if (isMissing) {
    throw new AibenchError(
      'AIBENCH_ANSWER',
      `${address} has no ${pingPath}: ${answerError(address, answer).message}`,
      {
        hint: "is it TorchServe's port for inferences, by default 8080? see --torchserve-host",
      },
    );
  }
  if (answer.status !== 200) throw answerError(address, answer);
  if (status === undefined) throw notTorchServe(address, pingPath, '--torchserve-host');
  return { status, header: headerOf(answer) };
}

async function grpcHealth(client: ControlClient): Promise<Health> {
  const { message, metadata } = await client
    .call(torchServeMethod.ping, Empty.encode({}).finish())
    .catch((error: unknown) => {
      throw error instanceof AibenchError ? callError(error) : error;
    });
  let status: string | undefined;
  try {
    status = statusOf(TorchServeHealthResponse.decode(message).health);
  } catch (cause) {
    throw notTorchServe(client.address, 'Ping', '--torchserve-grpc-host', cause);
  }
  if (status === undefined) throw notTorchServe(client.address, 'Ping', '--torchserve-grpc-host');
  return { status, header: metadata['server'] };
}

function notTorchServe(address: string, what: string, flag: string, cause?: unknown): AibenchError {
  return new AibenchError('AIBENCH_ANSWER', `${address} does not answer ${what} as TorchServe does`, {
    hint: `is it TorchServe's port for inferences? see ${flag}`,
    cause,
  });
}

/** The `status` of a health check's JSON; undefined where it is none. */
function statusOf(text: string): string | undefined {
  try {
    const { status } = JSON.parse(text) as { readonly status?: unknown };
    return typeof status === 'string' ? status : undefined;
  } catch {
    return undefined;
  }
}

function headerOf({ headers }: HttpAnswer): string | undefined {
  const { server } = headers;
  return typeof server === 'string' ? server : undefined;
}

/** The version that a port tells in the description of its API; undefined where it has none. */
export async function apiVersion(
  connection: HttpConnection,
  headers: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  try {
    const answer = await connection.send({ method: 'OPTIONS', path: '/', headers });
    if (answer.status !== 200) return undefined;
    const { info } = JSON.parse(answer.body.toString()) as { readonly info?: { readonly version?: unknown } };
    return typeof info?.version === 'string' ? info.version : undefined;
  } catch {
    // It is not worth a run: the server is healthy.
    return undefined;
  }
}
