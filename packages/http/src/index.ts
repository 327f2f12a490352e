export { JsonTemplate } from './bodies/json-template.js';
export { MultipartTemplate } from './bodies/multipart-template.js';
export { type JsonAnswerContext, readJsonOutputs } from './bodies/read-json-outputs.js';
export { type HttpAddress, type HttpAddressOptions, type HttpTls, parseHttpAddress } from './http-address.js';
export type { HttpAnswer, HttpClient, HttpRequestHead, HttpRoute } from './http-client.js';
export { HttpConnection, type HttpConnectionOptions, type HttpRequest } from './http-connection.js';
export {
  type HttpClientOptions,
  type HttpImplementation,
  httpImplementations,
  openHttpClient,
} from './open-http-client.js';
export { type AddedHeaders, bearerTokenVariable, requestHeaders } from './request-headers.js';
export { statusError } from './status-error.js';
