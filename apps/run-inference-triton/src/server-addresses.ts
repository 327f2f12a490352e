import { AibenchError } from '@aibench/core';
import { type GrpcAddress, parseGrpcAddress } from '@aibench/grpc';
import { type HttpAddress, parseHttpAddress } from '@aibench/http';
import { tlsChoice } from '@aibench/reference-store';
import type { TritonFlags } from './flags.js';

/** A server, by the protocol that it is asked in. */
export type ServerAddress =
  | { readonly protocol: 'grpc'; readonly grpc: GrpcAddress }
  | { readonly protocol: 'http'; readonly http: HttpAddress };

const defaultPorts = { grpc: 8_001, http: 8_000 } as const;

/**
 * Where the servers are.
 *
 * @throws AIBENCH_USAGE
 */
export function serverAddresses(values: TritonFlags): readonly [ServerAddress, ...ServerAddress[]] {
  const { host, protocol } = values;
  const defaultPort = defaultPorts[protocol];
  const options = { flag: '--host', defaultPort, tls: tlsChoice(values) };
  const parse = (text: string): ServerAddress =>
    protocol === 'http'
      ? { protocol, http: parseHttpAddress(text, options) }
      : { protocol, grpc: parseGrpcAddress(text, options) };
  const [first = parse(`127.0.0.1:${defaultPort}`), ...others] = host.map(parse);
  return [first, ...others];
}

/**
 * URLs of the servers' Prometheus endpoints, in the order of the servers; none where none is given.
 *
 * @throws AIBENCH_USAGE
 */
export function metricsAddresses(values: TritonFlags): readonly MetricsAddress[] {
  const servers = serverAddresses(values).length;
  const { metricsHost } = values;
  if (metricsHost.length > 0 && metricsHost.length !== servers) {
    throw new AibenchError(
      'AIBENCH_USAGE',
      `${metricsHost.length} metrics endpoints and ${servers} hosts do not pair up`,
      { hint: 'give --metrics-host one entry for each of --host' },
    );
  }
  const options = {
    flag: '--metrics-host',
    defaultPort: 8_002,
    tls: tlsChoice(values),
  };
  return metricsHost.map((text) => {
    const [, place = '', path = '/metrics'] = /^((?:https?:\/\/)?[^/]*)(\/.+)?$/i.exec(text.trim()) ?? [];
    return { http: parseHttpAddress(place, options), path };
  });
}

/** A Prometheus endpoint. */
export interface MetricsAddress {
  readonly http: HttpAddress;
  /** `/metrics` */
  readonly path: string;
}
