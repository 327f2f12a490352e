import { type HttpHandler, sendJson, sendMetrics } from '../http/http-port.js';
import type { TfServingService } from './tfserving-service.js';

/** Where TensorFlow Serving has its metrics, once a monitoring configuration enables them. */
const metricsPath = '/monitoring/prometheus/metrics';

/** Answers TensorFlow Serving's REST port, as far as it is here: its metrics. */
export function restHandler({ metrics }: TfServingService): HttpHandler {
  return (request, response) => {
    const { method, url = '' } = request;
    if (method === 'GET' && url.split('?')[0] === metricsPath) sendMetrics(response, metrics.text());
    else sendJson(response, 404, { error: `Malformed request: ${method} ${url}` });
  };
}
