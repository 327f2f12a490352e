import { AibenchError } from '@aibench/core';
import { formatGrpcAddress, type GrpcAddress, parseGrpcAddress } from '@aibench/grpc';
import { type HttpAddress, parseHttpAddress } from '@aibench/http';
import { tlsChoice } from '@aibench/reference-store';
import type { TorchServeFlags } from './flags.js';

/** A port for inferences, by the protocol that it is asked in. */
export type InferenceAddress =
  | { readonly protocol: 'http'; readonly http: HttpAddress }
  | { readonly protocol: 'grpc'; readonly grpc: GrpcAddress };

/** A server with its ports. */
export interface ServerPlace {
  readonly inference: InferenceAddress;
  /** `host:port` of it. */
  readonly address: string;
  /** Undefined where it is not known. */
  readonly management: ManagementPlace | undefined;
  /** Undefined where none is given. */
  readonly metrics: MetricsPlace | undefined;
}

/** A port for management. */
export interface ManagementPlace {
  readonly http: HttpAddress;
  /** Whether the user gave it; otherwise it need not be there. */
  readonly isGiven: boolean;
}

/** A Prometheus endpoint. */
export interface MetricsPlace {
  readonly http: HttpAddress;
  /** `/metrics` */
  readonly path: string;
}

const usualPorts = { http: 8_080, grpc: 7_070, management: 8_081, metrics: 8_082 } as const;

/**
 * Where the servers are.
 *
 * @throws AIBENCH_USAGE
 */
export function serverPlaces(values: TorchServeFlags): readonly [ServerPlace, ...ServerPlace[]] {
  const { protocol } = values;
  const hosts = protocol === 'http' ? values.torchserveHost : values.torchserveGrpcHost;
  const flag = protocol === 'http' ? '--torchserve-host' : '--torchserve-grpc-host';
  const management = paired(hosts, values.torchserveManagementHost, '--torchserve-management-host', flag);
  const metrics = paired(hosts, values.torchserveMetricsHost, '--torchserve-metrics-host', flag);
  const [first, ...others] = hosts.map((text, i): ServerPlace => {
    const inference = inferenceAddress(text, values, flag);
    return {
      inference,
      address: inference.protocol === 'http' ? inference.http.address : formatGrpcAddress(inference.grpc),
      management:
        management[i] === undefined
          ? usualManagement(inference, values)
          : { http: managementAddress(management[i], values), isGiven: true },
      metrics: metrics[i] === undefined ? undefined : metricsPlace(metrics[i], values),
    };
  });
  if (first === undefined) throw new AibenchError('AIBENCH_USAGE', `${flag} names no server`);
  return [first, ...others];
}

function paired(
  hosts: readonly string[],
  ports: readonly string[],
  portsFlag: string,
  hostsFlag: string,
): readonly string[] {
  if (ports.length === 0 || ports.length === hosts.length) return ports;
  throw new AibenchError(
    'AIBENCH_USAGE',
    `${ports.length} of ${portsFlag} and ${hosts.length} of ${hostsFlag} do not pair up`,
    { hint: `give ${portsFlag} one entry for each of ${hostsFlag}` },
  );
}

function inferenceAddress(text: string, values: TorchServeFlags, flag: string): InferenceAddress {
  const { protocol } = values;
  const options = { flag, defaultPort: usualPorts[protocol], tls: tlsChoice(values) };
  return protocol === 'http'
    ? { protocol, http: parseHttpAddress(text, options) }
    : { protocol, grpc: parseGrpcAddress(text, options) };
}

function managementAddress(text: string, values: TorchServeFlags): HttpAddress {
  return parseHttpAddress(text, {
    flag: '--torchserve-management-host',
    defaultPort: usualPorts.management,
    tls: tlsChoice(values),
  });
}

/** A server that is asked at its usual port has its usual port for management; of others nothing is known. */
function usualManagement(inference: InferenceAddress, values: TorchServeFlags): ManagementPlace | undefined {
  const [port, host, isEncrypted] =
    inference.protocol === 'http'
      ? [
          new URL(inference.http.origin).port,
          new URL(inference.http.origin).hostname,
          inference.http.tls !== undefined,
        ]
      : [String(inference.grpc.port), bracketed(inference.grpc.host), inference.grpc.tls !== undefined];
  if (port !== String(usualPorts[inference.protocol])) return undefined;
  return { http: managementAddress(`${isEncrypted ? 'https' : 'http'}://${host}`, values), isGiven: false };
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function metricsPlace(text: string, values: TorchServeFlags): MetricsPlace {
  const [, place = '', path = '/metrics'] = /^((?:https?:\/\/)?[^/]*)(\/.+)?$/i.exec(text.trim()) ?? [];
  const options = {
    flag: '--torchserve-metrics-host',
    defaultPort: usualPorts.metrics,
    tls: tlsChoice(values),
  };
  return { http: parseHttpAddress(place, options), path };
}
