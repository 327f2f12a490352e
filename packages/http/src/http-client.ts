import type { MessageBytes } from '@aibench/core';

/** What never changes of a request. */
export interface HttpRequestHead {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'OPTIONS';
  /** With its query: `/v2/predict`. */
  readonly path: string;
  /** Names in lower case, without those that the client itself sends, as `host` and `content-length`. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The caller owns it. */
  readonly body: Buffer;
}

/** A request of which only the body changes, ready to be sent. */
export interface HttpRoute {
  /**
   * Sends it and reads its answer.
   *
   * @param body not to be changed until the answer is in. Default: none
   * @throws AIBENCH_CONNECTION where the server cannot be reached, the connection is lost or what comes is no HTTP/1;
   *   AIBENCH_TIMEOUT; AIBENCH_ANSWER where the answer is too long, compressed, or has something behind it
   */
  send(body?: MessageBytes): Promise<HttpAnswer>;
}

/**
 * A client of one HTTP/1.1 server for timed requests: one connection that is kept
 * alive, with one request out at a time. A server that closes it gets the next
 * request over a new one. Nothing is sent twice, no redirect is followed and no
 * proxy asked.
 */
export interface HttpClient {
  /** `host:port` of the server. */
  readonly address: string;
  /** Encodes what never changes of a request. @throws AIBENCH_USAGE where it cannot be sent over HTTP/1 */
  route(head: HttpRequestHead): HttpRoute;
  /** Bytes that were given to the socket and not yet sent; undefined where the client cannot tell. */
  backlogBytes(): number | undefined;
  /** Ends the connection; a request that is out fails. */
  close(): Promise<void>;
}
