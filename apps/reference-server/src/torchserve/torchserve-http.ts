import type { IncomingMessage, ServerResponse } from 'node:http';
import { type HttpHandler, sendMetrics } from '../http/http-port.js';
import { formBoundary, readFormParts } from '../http/multipart-body.js';
import { readBody } from '../http/read-body.js';
import { apiDescription, modelApiDescription } from './api-description.js';
import { answerContentType } from './prediction-answer.js';
import type { RequestBody } from './request-inputs.js';
import { StatusAnswer } from './status-answer.js';
import { handlerError, noMethod, noResource, TorchServeError } from './torchserve-error.js';
import { TorchServeManagement } from './torchserve-management.js';
import type { TorchServeMetrics } from './torchserve-metrics.js';
import type { TorchServeService } from './torchserve-service.js';

/** Segments of a path, decoded; the first is what follows the first slash. */
type Path = readonly string[];

/** What a port answers to a request; JSON, unless it has been answered already. */
type Route = (
  request: IncomingMessage,
  response: ServerResponse,
  path: Path,
  query: URLSearchParams,
) => Promise<unknown> | unknown;

/** Says that a route has written the answer itself. */
const answered = Symbol('answered');

/** TorchServe's ports over HTTP: inferences, management and metrics. */
export class TorchServeHttp {
  readonly #service: TorchServeService;
  readonly #management: TorchServeManagement;
  readonly #metrics: TorchServeMetrics;
  readonly #maxBodyBytes: number;

  constructor(service: TorchServeService, metrics: TorchServeMetrics, maxBodyBytes: number) {
    this.#service = service;
    this.#management = new TorchServeManagement(service);
    this.#metrics = metrics;
    this.#maxBodyBytes = maxBodyBytes;
  }

  /** What the port for inferences answers. */
  inference(): HttpHandler {
    return this.#handler((request, response, path) => this.#infer(request, response, path));
  }

  /** What the port for management answers. */
  management(): HttpHandler {
    return this.#handler(async (request, _response, path, query) => {
      if (isDescription(request, path)) return apiDescription('management', this.#service.engineName);
      if (path.length === 0) throw noMethod();
      // TorchServe takes the parameters of a registration in the body, too; whatever else comes is passed over.
      const body = await this.#body(request);
      return this.#management.answer(request.method ?? '', path, query, body);
    });
  }

  /** What the port for metrics answers. */
  metrics(): HttpHandler {
    return this.#handler((request, response, path) => {
      if (path[0] !== 'metrics') throw noResource();
      request.resume();
      sendMetrics(response, this.#metrics.text());
      return answered;
    });
  }

  #handler(route: Route): HttpHandler {
    return async (request, response) => {
      try {
        const { path, query } = parseUrl(request.url ?? '/');
        const answer = await route(request, response, path, query);
        if (answer instanceof StatusAnswer) this.#send(response, answer.status, answer.body);
        else if (answer !== answered) this.#send(response, 200, answer);
      } catch (error) {
        if (!(error instanceof TorchServeError)) throw error;
        this.#send(response, error.status, error.body);
      }
    };
  }

  async #infer(request: IncomingMessage, response: ServerResponse, path: Path): Promise<unknown> {
    const service = this.#service;
    const [first, name = '', version = ''] = path;
    if (isDescription(request, path)) return apiDescription('inference', service.engineName);
    if (path.length === 0) throw noMethod();
    if (first === 'ping') return { status: 'Healthy' };
    if (first !== 'predictions' || name === '') throw noResource();
    if (request.method === 'OPTIONS') {
      return modelApiDescription(name, service.registry.find(name, version));
    }
    if (service.answersForAll) {
      const form = formBoundary(request.headers['content-type']) === undefined ? 'json' : 'binary';
      await readToEnd(request);
      this.#sendPrediction(response, form, await service.predictNull(form));
      return answered;
    }
    const body = this.#requestBody(request, await this.#body(request));
    this.#sendPrediction(response, body.kind, await service.predict(name, version, body));
    return answered;
  }

  #requestBody(request: IncomingMessage, bytes: Buffer): RequestBody {
    const boundary = formBoundary(request.headers['content-type']);
    if (boundary === undefined) return { kind: 'json', bytes };
    const parts = readFormParts(bytes, boundary);
    if (parts === undefined) throw handlerError(400, 'the body is no multipart/form-data');
    return { kind: 'binary', parts: new Map(parts.map((part) => [part.name, part.bytes])) };
  }

  async #body(request: IncomingMessage): Promise<Buffer> {
    const body = await readBody(request, this.#maxBodyBytes);
    if (body !== undefined) return body;
    throw new TorchServeError(
      413,
      'BadRequestException',
      `the request is larger than ${this.#maxBodyBytes} bytes`,
    );
  }

  #sendPrediction(response: ServerResponse, form: RequestBody['kind'], bytes: Uint8Array): void {
    this.#metrics.count(200);
    response.writeHead(200, { 'content-type': answerContentType[form], 'content-length': bytes.byteLength });
    response.end(bytes);
  }

  #send(response: ServerResponse, status: number, body: unknown): void {
    this.#metrics.count(status);
    const text = `${JSON.stringify(body, undefined, 2)}\n`;
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      // As TorchServe ends each connection on which it had to refuse something.
      ...(status >= 400 ? { connection: 'close' } : {}),
    });
    response.end(text);
  }
}

function isDescription(request: IncomingMessage, path: Path): boolean {
  return (
    (path.length === 0 && request.method === 'OPTIONS') ||
    (path.length === 1 && path[0] === 'api-description')
  );
}

function parseUrl(url: string): { readonly path: Path; readonly query: URLSearchParams } {
  const [path = '', query = ''] = url.split('?', 2);
  return {
    path: path.replace(/\/+$/, '').split('/').slice(1).map(decode),
    query: new URLSearchParams(query),
  };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function readToEnd(request: IncomingMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    request.once('end', resolve);
    request.once('close', () => reject(new Error('the request was not sent to its end')));
    request.resume();
  });
}
