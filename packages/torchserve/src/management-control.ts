import { AibenchError } from '@aibench/core';
import { type HttpAddress, HttpConnection, type HttpRequestHead, statusError } from '@aibench/http';
import { modelPath, modelsPath } from './http-paths.js';
import { readModelDescription, type VersionDescription } from './model-description.js';

/** How a model is registered. */
export interface ModelRegistration {
  /** The archive: a file in the server's model store, or a URL that the server fetches. */
  readonly archive: string;
  /** Default: the name in the archive. */
  readonly name?: string;
  readonly workers: number;
  readonly batchSize: number;
  readonly maxBatchDelayMs: number;
  readonly responseTimeoutS: number;
}

/** How a {@link ManagementControl} asks. */
export interface ManagementOptions {
  /** The flag that names the server, for hints. */
  readonly flag: string;
  /** The flag that names the token, for hints. */
  readonly tokenFlag: string;
  /** Limit for an answer, ms; that to {@link ManagementControl.register} may take as long as the model's workers to start. */
  readonly timeoutMs: number;
  /** Sent as a bearer token. Default: none. */
  readonly token?: string | undefined;
}

/**
 * TorchServe's management API, which lists, registers and describes models.
 *
 * Every method throws AIBENCH_CONNECTION, AIBENCH_TIMEOUT, AIBENCH_SERVER with the server's own words and their
 * status, and AIBENCH_ANSWER where what answers is no such API.
 */
export class ManagementControl {
  readonly #connection: HttpConnection;
  readonly #flags: Pick<ManagementOptions, 'flag' | 'tokenFlag'>;
  readonly #headers: Readonly<Record<string, string>>;

  /** @throws AIBENCH_INPUT where the file of authorities cannot be read */
  constructor(address: HttpAddress, { flag, tokenFlag, timeoutMs, token }: ManagementOptions) {
    this.#connection = new HttpConnection(address, { flag, timeoutMs });
    this.#flags = { flag, tokenFlag };
    this.#headers = token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` };
  }

  /** `host:port`. */
  get address(): string {
    return this.#connection.address;
  }

  /** The names of the models that are registered. */
  async list(): Promise<string[]> {
    const names: string[] = [];
    for (let page = ''; ; ) {
      const answer = await this.#ask('GET', modelsPath, { limit: '1000', next_page_token: page });
      const { models, nextPageToken } = answer as ModelList;
      if (!Array.isArray(models)) throw this.#notTorchServe();
      names.push(...models.map(({ modelName }) => String(modelName)));
      if (typeof nextPageToken !== 'string' || nextPageToken === page) return names;
      page = nextPageToken;
    }
  }

  /**
   * Describes a model.
   *
   * @param version one version, or `all`. Default: the one that is asked where a request names none
   * @returns the versions; none where the server does not have it
   */
  async describe(model: string, version = ''): Promise<VersionDescription[]> {
    try {
      return readModelDescription(await this.#ask('GET', modelPath(model, version)), this.address);
    } catch (error) {
      if (error instanceof AibenchError && error.status === '404') return [];
      throw error;
    }
  }

  /** Registers a model and waits until its workers have started. */
  async register(registration: ModelRegistration): Promise<void> {
    const { archive, name, workers, batchSize, maxBatchDelayMs, responseTimeoutS } = registration;
    await this.#ask('POST', modelsPath, {
      url: archive,
      model_name: name ?? '',
      initial_workers: String(workers),
      batch_size: String(batchSize),
      max_batch_delay: String(maxBatchDelayMs),
      response_timeout: String(responseTimeoutS),
      synchronous: 'true',
    });
  }

  /** Gives a model this many workers and waits until they have started or ended. */
  async scale(model: string, workers: number): Promise<void> {
    const count = String(workers);
    await this.#ask('PUT', modelPath(model, ''), {
      min_worker: count,
      max_worker: count,
      synchronous: 'true',
    });
  }

  /** Makes a version the one that is asked where a request names none. */
  async setDefault(model: string, version: string): Promise<void> {
    await this.#ask('PUT', `${modelPath(model, version)}/set-default`);
  }

  /** Takes a version of a model from the server; one that others stand behind as the default it refuses, with 403. */
  async unregister(model: string, version: string): Promise<void> {
    await this.#ask('DELETE', modelPath(model, version));
  }

  /** Ends the connection; a request that is out fails. */
  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #ask(
    method: HttpRequestHead['method'],
    path: string,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    const given = Object.entries(parameters).filter(([, value]) => value !== '');
    const query = given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
    const answer = await this.#connection.send({ method, path: `${path}${query}`, headers: this.#headers });
    if (answer.status === 200) return this.#parse(answer.body);
    // TorchServe's words for a path that it does not know, on another of its ports.
    if (answer.status === 404 && /ResourceNotFound/.test(answer.body.toString())) throw this.#notTorchServe();
    const { code, message, status } = statusError(this.address, answer);
    throw new AibenchError(code, message, { status, hint: this.#hint(message, answer.status) });
  }

  #parse(body: Buffer): unknown {
    try {
      return JSON.parse(body.toString()) as unknown;
    } catch (cause) {
      throw this.#notTorchServe(cause);
    }
  }

  #hint(message: string, status: number): string | undefined {
    if (/token authorization/i.test(message)) {
      return `the key for management stands in its key_file.json: pass it as ${this.#flags.tokenFlag}`;
    }
    return status === 405 ? 'start TorchServe with --enable-model-api' : undefined;
  }

  #notTorchServe(cause?: unknown): AibenchError {
    return new AibenchError(
      'AIBENCH_ANSWER',
      `${this.address} does not answer as TorchServe's management API`,
      {
        hint: `is it the port for management? see ${this.#flags.flag}`,
        cause,
      },
    );
  }
}

interface ModelList {
  readonly models?: readonly { readonly modelName?: unknown }[];
  readonly nextPageToken?: unknown;
}
