import { AibenchError, type TensorSpec } from '@aibench/core';
import { type HttpConnection, statusError } from '@aibench/http';
import { flaskPath } from './predict-path.js';

/** An input or output as the service tells of it; a first extent of -1 is free. */
export interface FlaskTensor extends Omit<TensorSpec, 'dtype'> {
  /** numpy's name for it: `float32`. */
  readonly dtype: string;
}

/** A model as the service tells of it. */
export interface FlaskModel {
  readonly name: string;
  readonly inputs: readonly FlaskTensor[];
  readonly outputs: readonly FlaskTensor[];
  /** SHA-256 of the file that is loaded; undefined where none is. */
  readonly sha256: string | undefined;
  /** Why it could not be loaded; undefined where it was. */
  readonly error: string | undefined;
}

/** What `GET /health` tells. */
export interface FlaskHealth {
  /** `aibench-flask`, or `aibench-reference-server`. */
  readonly service: string;
  /** Version of the suite, told by the reference server only. */
  readonly version: string | undefined;
  readonly status: string;
  /** Versions, workers and threads by name, as far as it knows them: `flask`, `gunicorn`, `workers`. */
  readonly identity: Readonly<Record<string, string | number>>;
  readonly backend: { readonly name: string; readonly version: string };
  readonly models: readonly FlaskModel[];
}

const starting = 'is it still starting? see --ready-timeout and its log';
const login = 'see --bearer-token and --header';

/** What helps against an answer that is no success. */
const hints: Readonly<Record<number, string>> = {
  ...{ 401: login, 403: login },
  ...{ 502: starting, 503: starting, 504: starting },
};

/**
 * Asks a service who it is and which models it has.
 *
 * @returns undefined where it is none of the suite's, which has no such page or another one
 * @throws AIBENCH_CONNECTION, AIBENCH_TIMEOUT; AIBENCH_SERVER where it is not ready, has failed, or refuses to tell
 */
export async function askHealth(
  connection: Pick<HttpConnection, 'address' | 'send'>,
  headers: Readonly<Record<string, string>> = {},
): Promise<FlaskHealth | undefined> {
  const answer = await connection.send({ method: 'GET', path: flaskPath.health, headers });
  const { status } = answer;
  if (status === 404 || status === 405 || status === 410) return undefined;
  if (status !== 200) throw statusError(connection.address, answer, hints[status]);
  return readHealth(answer.body, connection.address);
}

/**
 * Reads what `GET /health` tells.
 *
 * @returns undefined where it is another service's page
 * @throws AIBENCH_ANSWER where it says that it is the suite's service and tells something else
 */
export function readHealth(body: Buffer, address: string): FlaskHealth | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isObject(json) || typeof json['service'] !== 'string' || !json['service'].startsWith('aibench-')) {
    return undefined;
  }
  const { service, version, status, backend, models, ...others } = json;
  if (!isObject(backend) || !Array.isArray(models)) throw strange(address);
  return {
    service: String(service),
    version: typeof version === 'string' ? version : undefined,
    status: String(status),
    identity: Object.fromEntries(Object.entries(others).filter(isScalar)),
    backend: { name: String(backend['name']), version: String(backend['version']) },
    models: models.map((model) => readModel(model, address)),
  };
}

function readModel(json: unknown, address: string): FlaskModel {
  if (!isObject(json) || typeof json['name'] !== 'string') throw strange(address);
  const { name, inputs, outputs, sha256, error } = json;
  return {
    name,
    inputs: readTensors(inputs, address),
    outputs: readTensors(outputs, address),
    sha256: typeof sha256 === 'string' ? sha256 : undefined,
    error: typeof error === 'string' ? error : undefined,
  };
}

function readTensors(json: unknown, address: string): FlaskTensor[] {
  if (!Array.isArray(json)) throw strange(address);
  return json.map((tensor: unknown) => {
    if (!isObject(tensor) || !Array.isArray(tensor['shape'])) throw strange(address);
    const shape = tensor['shape'].map(Number);
    return { name: String(tensor['name']), dtype: String(tensor['dtype']), shape };
  });
}

function isObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function isScalar(entry: [string, unknown]): entry is [string, string | number] {
  return typeof entry[1] === 'string' || typeof entry[1] === 'number';
}

function strange(address: string): AibenchError {
  return new AibenchError('AIBENCH_ANSWER', `${address} tells nothing of its models at ${flaskPath.health}`, {
    hint: 'is it of the same version as this program? see --restapi-host',
  });
}
