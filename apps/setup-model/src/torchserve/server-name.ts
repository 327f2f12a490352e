import { AibenchError } from '@aibench/core';
import { statusError } from '@aibench/http';
import type { InferencePort } from './ask-probe.js';

/**
 * What a server calls itself at its inference port, in the description of its API: `TorchServe 0.12.0`.
 *
 * @throws AIBENCH_SERVER where it wants a token, AIBENCH_ANSWER where it is no TorchServe
 */
export async function serverName({ connection, headers, flag }: InferencePort): Promise<string> {
  const { address } = connection;
  const answer = await connection.send({ method: 'OPTIONS', path: '/', headers });
  if (answer.status !== 200) throw statusError(address, answer);
  try {
    const { info } = JSON.parse(answer.body.toString()) as ApiDescription;
    return `${info.title.replace(/ APIs$/, '')} ${info.version}`;
  } catch (cause) {
    throw new AibenchError('AIBENCH_ANSWER', `${address} does not answer as TorchServe's inference API`, {
      hint: `is it the port for inference? see ${flag}`,
      cause,
    });
  }
}

interface ApiDescription {
  readonly info: { readonly title: string; readonly version: string };
}
