import { StatusAnswer } from './status-answer.js';
import { noMethod, noResource, TorchServeError } from './torchserve-error.js';
import { registrationDefaults, type TorchServeService } from './torchserve-service.js';

/** What a page of the list of models has at most. */
const pageSize = 100;

/** TorchServe's management API: lists, registers, describes, scales and drops models. */
export class TorchServeManagement {
  readonly #service: TorchServeService;

  constructor(service: TorchServeService) {
    this.#service = service;
  }

  /**
   * The answer to a request, as JSON.
   *
   * @param path its segments
   * @throws TorchServeError
   */
  async answer(
    method: string,
    path: readonly string[],
    query: URLSearchParams,
    body: Buffer,
  ): Promise<unknown> {
    const [first, name = '', version = '', action] = path;
    if (first !== 'models' || path.length > (action === 'set-default' ? 4 : 3)) throw noResource();
    if (name === '') return this.#all(method, query, body);
    const { registry } = this.#service;
    switch (method) {
      case 'GET':
        return this.#service.describe(
          version === 'all' ? registry.versions(name) : [registry.find(name, version)],
        );
      case 'PUT':
        return action === 'set-default' ? this.#setDefault(name, version) : this.#scale(name, version, query);
      case 'DELETE':
        registry.unregister(name, version);
        return status(`Model "${name}" unregistered`);
      default:
        throw noMethod();
    }
  }

  #all(method: string, query: URLSearchParams, body: Buffer): Promise<unknown> | unknown {
    if (method === 'GET') return this.#list(query);
    if (method === 'POST') return this.#register(parameters(query, body));
    throw noMethod();
  }

  #list(query: URLSearchParams): unknown {
    const asked = wholeNumber(query.get('limit'), pageSize);
    const limit = asked > pageSize || asked < 0 ? pageSize : asked;
    const start = Math.max(0, wholeNumber(query.get('next_page_token'), 0));
    const models = this.#service.registry.defaults();
    const end = start + limit;
    return {
      ...(end < models.length ? { nextPageToken: String(end) } : {}),
      models: models.slice(start, end).map(([modelName, { url }]) => ({ modelName, modelUrl: url })),
    };
  }

  async #register(given: ReadonlyMap<string, string>): Promise<unknown> {
    const url = given.get('url');
    if (url === undefined)
      throw new TorchServeError(400, 'BadRequestException', 'Parameter url is required.');
    const number = (key: string, byDefault: number): number => {
      const value = wholeNumber(given.get(key), byDefault);
      return value > 0 ? value : byDefault;
    };
    const workers = Math.max(0, wholeNumber(given.get('initial_workers'), registrationDefaults.workers));
    const { archive } = await this.#service.registry.register({
      ...registrationDefaults,
      ...{ url, workers, name: given.get('model_name') ?? '' },
      batchSize: number('batch_size', registrationDefaults.batchSize),
      maxBatchDelayMs: number('max_batch_delay', registrationDefaults.maxBatchDelayMs),
      responseTimeoutS: number('response_timeout', registrationDefaults.responseTimeoutS),
      startupTimeoutS: number('startup_timeout', registrationDefaults.startupTimeoutS),
    });
    const model = `Model "${archive.modelName}" Version: ${archive.version}`;
    if (workers === 0) {
      return status(
        `${model} registered with 0 initial workers. Use scale workers API to add workers for the model.`,
      );
    }
    if (given.get('synchronous') === 'false')
      return new StatusAnswer(202, status('Processing worker updates...'));
    return status(`${model} registered with ${workers} initial workers`);
  }

  #scale(name: string, version: string, query: URLSearchParams): unknown {
    const minWorkers = wholeNumber(query.get('min_worker'), 1);
    const maxWorkers = wholeNumber(query.get('max_worker'), minWorkers);
    if (maxWorkers < minWorkers) {
      throw new TorchServeError(400, 'BadRequestException', 'max_worker cannot be less than min_worker.');
    }
    this.#service.registry
      .find(name, version || (query.get('model_version') ?? ''))
      .scale(minWorkers, maxWorkers);
    if (query.get('synchronous') !== 'true')
      return new StatusAnswer(202, status('Processing worker updates...'));
    const ofVersion = version === '' ? '' : `, version: ${version}`;
    return status(`Workers scaled to ${minWorkers} for model: ${name}${ofVersion}`);
  }

  #setDefault(name: string, version: string): unknown {
    this.#service.registry.setDefault(name, version);
    return status(`Default version successfully updated for model "${name}" to "${version}"`);
  }
}

/** The parameters of a registration: of the query, or of a JSON body. */
function parameters(query: URLSearchParams, body: Buffer): ReadonlyMap<string, string> {
  if (query.size > 0 || body.length === 0) return new Map(query);
  try {
    const json: unknown = JSON.parse(body.toString());
    if (typeof json === 'object' && json !== null) {
      return new Map(Object.entries(json).map(([name, value]) => [name, String(value)]));
    }
  } catch {
    // Nothing that names an archive.
  }
  return new Map();
}

function status(text: string): { readonly status: string } {
  return { status: text };
}

/** A number as TorchServe reads it: what is none is as good as not given. */
function wholeNumber(text: string | null | undefined, byDefault: number): number {
  return /^[+-]?\d{1,10}$/.test(text ?? '') ? Number(text) : byDefault;
}
