import type { GrpcAddress } from './grpc-address.js';
import type { GrpcClient } from './grpc-client.js';
import { type AnswerWithMetadata, GrpcJsClient } from './grpc-js-client.js';
import { OwnGrpcClient, type OwnGrpcClientOptions } from './own-grpc-client.js';

/** How a client behaves. */
export interface GrpcClientOptions {
  /** The flag that names the server, for hints: `--host`. */
  readonly flag: string;
  /** How long an answer may take, unless a call says otherwise; 0 for no limit. */
  readonly timeoutMs: number;
  /** The longest answer that is taken. Default 256 MiB. */
  readonly maxMessageBytes?: number;
  /** Limit for connecting, until the server has answered as HTTP/2 does. Default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Metadata of every call, names in lower case; no binary values. Default: none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Our own HTTP/2, or @grpc/grpc-js as a cross-check. Default `own`. */
  readonly implementation?: GrpcImplementation;
}

/** What carries the calls. */
export type GrpcImplementation = (typeof grpcImplementations)[number];

/** The choices of `--grpc-client`, the default first. */
export const grpcImplementations = ['own', 'grpc-js'] as const;

/** A client for set-up calls, where what comes with an answer matters and its cost doesn't. */
export interface ControlClient {
  /** `host:port` of the server. */
  readonly address: string;
  /**
   * Calls a method.
   *
   * @param path `/package.Service/Method`
   * @returns the answer, and the metadata it began with, by lower-case name
   * @throws as `UnaryMethod.call`
   */
  call(
    path: string,
    message: Uint8Array,
    options?: { readonly timeoutMs?: number },
  ): Promise<AnswerWithMetadata>;
  close(): Promise<void>;
}

/**
 * Connects to a gRPC server for calls on the hot path, and waits until it has
 * answered as HTTP/2 does.
 *
 * @throws AIBENCH_CONNECTION in one line, with the flag in its hint, where nothing listens, where what listens is no
 * gRPC server or says nothing, and where one side speaks TLS and the other doesn't; AIBENCH_INPUT where the file of
 * authorities cannot be read
 */
export async function openGrpcClient(address: GrpcAddress, options: GrpcClientOptions): Promise<GrpcClient> {
  if (options.implementation !== 'grpc-js') return OwnGrpcClient.open(address, withDefaults(options));
  const client = new GrpcJsClient(address, withDefaults(options));
  try {
    await client.check();
    return client;
  } catch (error) {
    await client.close();
    throw error;
  }
}

/**
 * Makes a client for set-up calls, by @grpc/grpc-js. It connects with the first
 * call, which fails as {@link openGrpcClient} does where there is no gRPC server.
 */
export function openControlClient(
  address: GrpcAddress,
  options: Omit<GrpcClientOptions, 'implementation'>,
): ControlClient {
  const client = new GrpcJsClient(address, withDefaults(options));
  let checked: Promise<void> | undefined;
  return {
    address: client.address,
    async call(path, message, callOptions) {
      checked ??= client.check();
      try {
        await checked;
      } catch (error) {
        checked = undefined;
        throw error;
      }
      return client.call(path, message, callOptions);
    },
    close: () => client.close(),
  };
}

function withDefaults(options: Omit<GrpcClientOptions, 'implementation'>): OwnGrpcClientOptions {
  const { flag, timeoutMs, maxMessageBytes = 268_435_456, connectTimeoutMs = 5_000, headers = {} } = options;
  return { flag, timeoutMs, maxMessageBytes, connectTimeoutMs, headers };
}
