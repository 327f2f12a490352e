import { AibenchError } from '@aibench/core';
import { type HttpAddress, HttpConnection, type HttpRequest, statusError } from '@aibench/http';
import {
  type ModelConfiguration,
  type ModelCounters,
  type ModelDescription,
  modelPath,
  type RepositoryEntry,
  readJsonAnswer,
  type ServerIdentity,
  serverPath,
  type TritonControl,
} from '@aibench/triton';

/** {@link TritonControl} over HTTP. */
export class HttpControl implements TritonControl {
  readonly #connection: HttpConnection;

  constructor(where: HttpAddress, { timeoutMs }: { readonly timeoutMs: number }) {
    this.#connection = new HttpConnection(where, { timeoutMs });
  }

  get address(): string {
    return this.#connection.address;
  }

  serverLive(): Promise<boolean> {
    return this.#isHealthy(serverPath.live);
  }

  serverReady(): Promise<boolean> {
    return this.#isHealthy(serverPath.ready);
  }

  modelReady(model: string, version: string): Promise<boolean> {
    return this.#isHealthy(`${modelPath(model, version)}/ready`);
  }

  async serverMetadata(): Promise<ServerIdentity> {
    return readJsonAnswer.serverMetadata(await this.#get(serverPath.metadata));
  }

  async modelMetadata(model: string, version: string): Promise<ModelDescription> {
    return readJsonAnswer.modelMetadata(await this.#get(modelPath(model, version)));
  }

  async modelConfiguration(model: string, version: string): Promise<ModelConfiguration> {
    return readJsonAnswer.modelConfiguration(await this.#get(`${modelPath(model, version)}/config`));
  }

  async modelStatistics(model: string, version: string): Promise<ModelCounters> {
    return readJsonAnswer.modelStatistics(await this.#get(`${modelPath(model, version)}/stats`));
  }

  async repositoryIndex(): Promise<readonly RepositoryEntry[]> {
    return readJsonAnswer.repositoryIndex(
      await this.#ask({ method: 'POST', path: '/v2/repository/index', body: Buffer.from('{}') }),
    );
  }

  async loadModel(model: string): Promise<void> {
    const path = `/v2/repository/models/${encodeURIComponent(model)}/load`;
    await this.#ask({ method: 'POST', path, body: Buffer.from('{}') });
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** What is not healthy answers 400 (Triton) or 503. */
  async #isHealthy(path: string): Promise<boolean> {
    const answer = await this.#connection.send({ method: 'GET', path });
    if (answer.status === 404) throw statusError(this.address, answer);
    return answer.status === 200;
  }

  #get(path: string): Promise<unknown> {
    return this.#ask({ method: 'GET', path });
  }

  async #ask(request: HttpRequest): Promise<unknown> {
    const answer = await this.#connection.send(request);
    if (answer.status !== 200) throw statusError(this.address, answer);
    if (answer.body.length === 0) return undefined;
    try {
      return JSON.parse(answer.body.toString());
    } catch (cause) {
      throw new AibenchError('AIBENCH_ANSWER', `${this.address} answered ${request.path} with no JSON`, {
        hint: 'is this a Triton server? see --host',
        cause,
      });
    }
  }
}
