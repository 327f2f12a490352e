import type { MessageBytes } from '@aibench/core';
import { Client, type Dispatcher } from 'undici';
import { mostHeadBytes } from './answer-reader.js';
import type { HttpAddress } from './http-address.js';
import type { HttpAnswer, HttpRequestHead } from './http-client.js';
import { codingError, type HttpErrorContext, httpError } from './http-error.js';
import { readAuthorities } from './http-socket.js';

/** A request. */
export interface HttpRequest extends HttpRequestHead {
  /** A `content-length` among the headers where it is in pieces. Default: none. */
  readonly body?: MessageBytes;
}

/** How a {@link HttpConnection} behaves. */
export interface HttpConnectionOptions {
  /** The flag that names the server, for hints. Default `--host`. */
  readonly flag?: string;
  /** Limit for an answer, ms. Default: none. */
  readonly timeoutMs?: number;
  /** The flag that limit comes from, for hints; empty where no flag sets it. Default `--request-timeout`. */
  readonly timeoutFlag?: string;
  /** Limit for connecting, ms. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Longest answer that is taken, bytes. Default 256 MiB. */
  readonly maxAnswerBytes?: number;
}

/** One connection to one HTTP server, kept alive, with one request out at a time. Nothing is sent twice. */
export class HttpConnection {
  /** `host:port`. */
  readonly address: string;
  readonly #client: Client;
  readonly #context: Omit<HttpErrorContext, 'hasAnswered'>;
  #hasAnswered = false;

  /** @throws AIBENCH_INPUT where the file of authorities cannot be read */
  constructor(where: HttpAddress, options: HttpConnectionOptions = {}) {
    const { flag, timeoutFlag, timeoutMs, maxAnswerBytes, connectTimeoutMs } = withDefaults(options);
    this.address = where.address;
    this.#context = { address: where.address, flag, timeoutFlag, tls: where.tls !== undefined };
    this.#client = new Client(where.origin, {
      connect: { timeout: connectTimeoutMs, ...(where.tls === undefined ? {} : tlsOptions(where.tls)) },
      connectTimeout: connectTimeoutMs,
      maxHeaderSize: mostHeadBytes,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      maxResponseSize: maxAnswerBytes,
    });
  }

  /**
   * Sends a request and reads its answer.
   *
   * @throws AIBENCH_CONNECTION, AIBENCH_TIMEOUT; AIBENCH_ANSWER where it is no HTTP
   */
  send(request: HttpRequest): Promise<HttpAnswer> {
    const { method, path, headers = {}, body } = request;
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) =>
        reject(httpError({ ...this.#context, hasAnswered: this.#hasAnswered }, cause));
      const onHttp = () => {
        this.#hasAnswered = true;
      };
      const succeed = (answer: HttpAnswer) => {
        const error = codingError(this.address, answer);
        if (error === undefined) resolve(answer);
        else reject(error);
      };
      try {
        this.#client.dispatch(
          { method, path, headers, body: body === undefined ? null : undiciBody(body) },
          new AnswerCollector(onHttp, succeed, fail),
        );
      } catch (cause) {
        fail(cause);
      }
    });
  }

  /** Ends the connection; a request that is out fails. */
  async close(): Promise<void> {
    await this.#client.destroy();
  }
}

/** Puts an answer together with as little as undici allows. */
class AnswerCollector implements Dispatcher.DispatchHandler {
  readonly #onHttp: () => void;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (cause: unknown) => void;
  readonly #chunks: Buffer[] = [];
  #status = 0;
  #headers: HttpAnswer['headers'] = {};

  constructor(onHttp: () => void, resolve: (answer: HttpAnswer) => void, reject: (cause: unknown) => void) {
    this.#onHttp = onHttp;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart(): void {}

  onResponseStart(_controller: unknown, status: number, headers: HttpAnswer['headers']): void {
    this.#onHttp();
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [first = Buffer.alloc(0), ...others] = this.#chunks;
    const body = others.length === 0 ? first : Buffer.concat(this.#chunks);
    this.#resolve({ status: this.#status, headers: this.#headers, body });
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#reject(error);
  }
}

type UndiciBody = NonNullable<Dispatcher.DispatchOptions['body']>;

/** undici takes pieces only from an iterator of its own for each request. */
function undiciBody(body: MessageBytes): UndiciBody {
  if (body instanceof Uint8Array) return body;
  return (async function* () {
    yield* body;
  })() as unknown as UndiciBody;
}

function tlsOptions(tls: NonNullable<HttpAddress['tls']>): object {
  const ca = readAuthorities(tls);
  return { rejectUnauthorized: tls.insecure !== true, ...(ca === undefined ? {} : { ca }) };
}

/** The options, all of them said. */
export function withDefaults(options: HttpConnectionOptions): Required<HttpConnectionOptions> {
  const {
    flag = '--host',
    timeoutMs = 0,
    timeoutFlag = '--request-timeout',
    connectTimeoutMs = 5_000,
    maxAnswerBytes = 268_435_456,
  } = options;
  return { flag, timeoutMs, timeoutFlag, connectTimeoutMs, maxAnswerBytes };
}
