import { AibenchError } from '@aibench/core';
import { flaskPath } from '@aibench/flask';
import type { Session, SessionContext } from '@aibench/harness';
import { openHttpClient } from '@aibench/http';
import { type Channel, openFetchingSession } from '@aibench/reference-store';
import type { FlaskFlags, flags } from './flags.js';
import { predictChannel } from './predict-channel.js';
import { requestForm } from './request-form.js';
import { hostFlag, serviceAddresses } from './service-addresses.js';

type Context = SessionContext<typeof flags>;

/** Opens a worker's session: a connection to its service and, where the model takes reference data, one to Redis. */
export function connectSession(context: Context): Promise<Session> {
  return openFetchingSession(context, () => openChannel(context));
}

async function openChannel({
  flags: values,
  requestTimeoutMs,
  task,
  worker,
  workers,
}: Context): Promise<Channel> {
  const addresses = serviceAddresses(values);
  const form = requestForm(values);
  const client = await openHttpClient(addresses[worker % addresses.length]!, {
    flag: hostFlag,
    timeoutMs: answerLimitMs(values, requestTimeoutMs),
    timeoutFlag: '--restapi-read-timeout',
    implementation: values.httpClient,
  });
  try {
    // Connects: the first inference must not have to. Whatever is answered, something is there.
    await client.route({ method: 'GET', path: flaskPath.health, headers: form.headers }).send();
  } catch (error) {
    await client.close();
    const isUnanswered = error instanceof AibenchError && error.code === 'AIBENCH_TIMEOUT';
    throw isUnanswered ? notAnswered(client.address, `${worker + 1} of ${workers}`, error) : error;
  }
  return predictChannel(client, form, task);
}

/** What takes a connection and leaves it at that has as many as it serves at a time. */
function notAnswered(address: string, which: string, cause: AibenchError): AibenchError {
  return new AibenchError('AIBENCH_TIMEOUT', `${address} does not answer worker ${which}`, {
    hint: 'does it serve as many connections? give it more (AIBENCH_CLIENTS, its own workers), or lower --workers',
    cause,
  });
}

/** The shorter of both limits, of which `--restapi-read-timeout 0s` is none. */
function answerLimitMs({ restapiReadTimeoutMs }: FlaskFlags, requestTimeoutMs: number): number {
  return restapiReadTimeoutMs === 0 ? requestTimeoutMs : Math.min(restapiReadTimeoutMs, requestTimeoutMs);
}
