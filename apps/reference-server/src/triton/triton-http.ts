import type { IncomingMessage, ServerResponse } from 'node:http';
import { GrpcError, type GrpcStatusName } from '../grpc/grpc-error.js';
import { type HttpHandler, sendJson } from '../http/http-port.js';
import { readBody } from '../http/read-body.js';
import { configJson } from './config-json.js';
import { type HttpInferAnswer, readHttpInfer, writeHttpInfer } from './http-infer.js';
import { statisticsJson } from './statistics-message.js';
import { nameNullOutputs, type TritonService } from './triton-service.js';

/** Where the JSON of a body with binary tensors ends. */
const jsonLengthHeader = 'inference-header-content-length';

/** Triton's HTTP statuses; what is not here is 400. */
const httpStatus: Readonly<Partial<Record<GrpcStatusName, number>>> = {
  internal: 500,
  notFound: 404,
  unavailable: 503,
  unimplemented: 501,
};

const modelPath = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(infer|ready|config|stats))?$/;
/** Looks like a model's; so no model of that name can be asked for its metadata. */
const allStatisticsPath = '/v2/models/stats';
const controlPath = /^\/v2\/repository(?:\/[^/]+)?\/models\/([^/]+)\/(load|unload)$/;

/** Triton's protocol over HTTP. */
export class TritonHttp {
  readonly #service: TritonService;
  readonly #maxBodyBytes: number;

  constructor(service: TritonService, maxBodyBytes: number) {
    this.#service = service;
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** What the port answers. */
  handler(): HttpHandler {
    return async (request, response) => {
      try {
        await this.#route(request, response);
      } catch (error) {
        if (!(error instanceof GrpcError)) throw error;
        sendJson(response, httpStatus[error.status] ?? 400, { error: error.message });
      }
    };
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0]!;
    const model = modelPath.exec(path);
    if (model !== null && path !== allStatisticsPath) {
      const [, name, version = '', action = 'metadata'] = model;
      return this.#model(request, response, { name: decodeName(name!), version, action });
    }
    const control = controlPath.exec(path);
    if (control !== null) {
      if (!isMethod('POST', request, response)) return;
      return this.#control(request, response, decodeName(control[1]!), control[2]!);
    }
    switch (path) {
      case '/v2/health/live':
      case '/v2/health/ready':
        if (isMethod('GET', request, response)) response.end();
        return;
      case '/v2':
      case '/v2/':
        if (isMethod('GET', request, response)) sendJson(response, 200, this.#service.metadata);
        return;
      case allStatisticsPath:
        if (isMethod('GET', request, response))
          sendJson(response, 200, statisticsJson(this.#service.statistics('', '')));
        return;
      case '/v2/repository/index':
        if (isMethod('POST', request, response)) await this.#index(request, response);
        return;
      default:
        sendJson(response, 404, { error: 'Not Found' });
    }
  }

  async #model(
    request: IncomingMessage,
    response: ServerResponse,
    { action, name, version }: { action: string; name: string; version: string },
  ): Promise<void> {
    const service = this.#service;
    if (!isMethod(action === 'infer' ? 'POST' : 'GET', request, response)) return;
    switch (action) {
      case 'infer':
        return this.#infer(request, response, name, version);
      case 'ready':
        if (await service.isReady(name, version)) response.end();
        else sendJson(response, 400, { error: 'Model version not ready' });
        return;
      case 'config':
        return sendJson(response, 200, configJson(name, await service.modelConfig(name, version)));
      case 'stats':
        return sendJson(response, 200, statisticsJson(service.statistics(name, version)));
      default:
        return sendJson(response, 200, await service.modelMetadata(name, version));
    }
  }

  async #infer(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    version: string,
  ): Promise<void> {
    const service = this.#service;
    const startMs = performance.now();
    const body = await this.#body(request);
    const jsonBytes = readJsonLength(request, body.length);
    const inferRequest = readHttpInfer(body, jsonBytes, name);
    const model = await service.repository.find(name, version);
    if (model === undefined) {
      const absent = service.repository.absent!;
      const outputs = nameNullOutputs(absent, await service.inferNull(absent));
      sendAnswer(response, writeHttpInfer({ name, version: version || '1' }, inferRequest, outputs));
      return;
    }
    const answer = await service.infer(model, inferRequest, startMs, (outputs) =>
      writeHttpInfer({ name, version: String(model.version) }, inferRequest, outputs),
    );
    sendAnswer(response, answer);
  }

  async #index(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { ready } = await this.#json(request);
    const entries = await this.#service.repository.index(ready === true);
    // As Triton writes them: what is empty is left out.
    const shown = entries.map((entry) =>
      Object.fromEntries(Object.entries(entry).filter(([field, text]) => field === 'name' || text !== '')),
    );
    sendJson(response, 200, shown);
  }

  async #control(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    action: string,
  ): Promise<void> {
    const { parameters = {} } = await this.#json(request);
    if (action === 'unload') {
      this.#service.repository.unload(name);
    } else {
      if (Object.keys(parameters as object).length > 0) {
        throw new GrpcError(
          'unimplemented',
          'this server loads models as they lie in the repository, without parameters',
        );
      }
      await this.#service.repository.load(name);
    }
    response.setHeader('content-type', 'application/json');
    response.end();
  }

  async #json(request: IncomingMessage): Promise<Record<string, unknown>> {
    const body = await this.#body(request);
    if (body.length === 0) return {};
    try {
      const json: unknown = JSON.parse(body.toString());
      if (typeof json === 'object' && json !== null) return json as Record<string, unknown>;
    } catch {
      // Told below.
    }
    throw new GrpcError('invalidArgument', 'failed to parse the request JSON buffer: it is no object');
  }

  async #body(request: IncomingMessage): Promise<Buffer> {
    const encoding = request.headers['content-encoding'];
    if (encoding !== undefined && encoding !== 'identity') {
      throw new GrpcError('unimplemented', `content-encoding ${encoding} is not supported`);
    }
    const body = await readBody(request, this.#maxBodyBytes);
    if (body !== undefined) return body;
    throw new GrpcError('invalidArgument', `the request is larger than ${this.#maxBodyBytes} bytes`);
  }
}

function readJsonLength(request: IncomingMessage, bodyBytes: number): number | undefined {
  const text = request.headers[jsonLengthHeader];
  if (text === undefined) return undefined;
  const length = Number(text);
  if (Number.isSafeInteger(length) && length > 0 && length <= bodyBytes) return length;
  throw new GrpcError(
    'invalidArgument',
    `inference header size should be in range (0, ${bodyBytes}), got: ${String(text)}`,
  );
}

function sendAnswer(response: ServerResponse, { pieces, jsonBytes }: HttpInferAnswer): void {
  const body = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  response.writeHead(200, {
    'content-type': jsonBytes === undefined ? 'application/json' : 'application/octet-stream',
    'content-length': body.length,
    ...(jsonBytes === undefined ? {} : { [jsonLengthHeader]: jsonBytes }),
  });
  response.end(body);
}

function isMethod(method: string, request: IncomingMessage, response: ServerResponse): boolean {
  if (request.method === method) return true;
  sendJson(response, 405, { error: 'Method Not Allowed' });
  return false;
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
