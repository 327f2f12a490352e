import type { IncomingMessage, ServerResponse } from 'node:http';
import { type HttpHandler, sendJson } from '../http/http-port.js';
import { readBody } from '../http/read-body.js';
import { FlaskError } from './flask-error.js';
import type { FlaskService } from './flask-service.js';
import { readJsonInputs, readMultipartInputs } from './read-inputs.js';

/** Methods that each path takes, as Flask tells them in the header `allow`. */
const routes: Readonly<Record<string, readonly string[]>> = {
  '/v1/predict': ['OPTIONS', 'POST'],
  '/v2/predict': ['OPTIONS', 'POST'],
  '/health': ['GET', 'HEAD', 'OPTIONS'],
};

/** The Flask service's routes. */
export function flaskHandler(service: FlaskService, maxBodyBytes: number): HttpHandler {
  return async (request, response) => {
    try {
      await route(service, maxBodyBytes, request, response);
    } catch (error) {
      if (!(error instanceof FlaskError)) throw error;
      sendJson(response, error.status, { error: error.message });
    }
  };
}

async function route(
  service: FlaskService,
  maxBodyBytes: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url = '' } = request;
  const [rawPath = '', query = ''] = url.split('?', 2);
  const path = decodePath(rawPath);
  const methods = Object.hasOwn(routes, path) ? routes[path]! : undefined;
  if (methods === undefined) throw new FlaskError(404, `there is no ${path} here`);
  if (!methods.includes(method)) {
    response.setHeader('allow', methods.join(', '));
    throw new FlaskError(405, `${method} does not go with ${path}`);
  }
  if (method === 'OPTIONS') {
    response.writeHead(200, { allow: methods.join(', '), 'content-length': 0 }).end();
    return;
  }
  if (path === '/health') return sendJson(response, 200, await service.health());
  const body = await readBody(request, maxBodyBytes);
  if (body === undefined) throw new FlaskError(413, `the body is larger than ${maxBodyBytes} bytes`);
  if (service.isNull) return send(response, await service.predictNull());
  const model = new URLSearchParams(query).get('model') ?? undefined;
  const answer =
    path === '/v1/predict'
      ? await service.predict(model, readJsonInputs(body), (tensor, value) => tensor.fromJson(value))
      : await service.predict(
          model,
          readMultipartInputs(request.headers['content-type'], body),
          (tensor, value) => tensor.fromBytes(value),
        );
  send(response, answer);
}

function send(response: ServerResponse, body: Buffer): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
