import { type HttpHandler, sendJson } from '../http/http-port.js';

export function torchServeHandler(): HttpHandler {
  return async (_request, response) => sendJson(response, 404, { error: 'Not Found' });
}
