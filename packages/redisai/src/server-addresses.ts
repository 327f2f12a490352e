import { AibenchError } from '@aibench/core';
import { parseRedisAddress, type RedisAddress, type RedisTls } from '@aibench/redis';

/** Where the servers are, as the flags `--host` and `--port` give it. */
export interface ServerList {
  /** Each a host name, `host:port`, or a `redis://` or `rediss://` URL. */
  readonly hosts: readonly string[];
  /** Ports of the hosts that are bare names. */
  readonly ports: readonly string[];
  /** How `rediss://` connections check the server. */
  readonly tls: RedisTls;
}

/**
 * Pairs hosts and ports: the n-th with the n-th, one port for many hosts, or
 * one host for many ports. A host that is a URL or names a port itself needs
 * none and is left as it is.
 *
 * @throws AIBENCH_USAGE when the lists do not pair up or an address is malformed
 */
export function serverAddresses({
  hosts,
  ports,
  tls,
}: ServerList): readonly [RedisAddress, ...RedisAddress[]] {
  const count = Math.max(hosts.length, ports.length);
  if (hosts.length === 0 || ports.length === 0 || (hosts.length !== count && hosts.length !== 1)) {
    throw unpaired(hosts.length, ports.length);
  }
  if (ports.length !== count && ports.length !== 1) throw unpaired(hosts.length, ports.length);
  const [first, ...others] = Array.from({ length: count }, (_, i) =>
    address(hosts[i % hosts.length]!, ports[i % ports.length]!, tls),
  );
  return [first!, ...others];
}

function address(host: string, port: string, tls: RedisTls): RedisAddress {
  const isBareName = !host.includes('://') && !/^([^:]*|\[.*\]):\d+$/.test(host);
  if (!isBareName) return parseRedisAddress(host, { tls });
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw new AibenchError('AIBENCH_USAGE', `--port: "${port}" is no port`, { hint: 'from 1 to 65535' });
  }
  return { ...parseRedisAddress(host), port: Number(port) };
}

function unpaired(hosts: number, ports: number): AibenchError {
  return new AibenchError('AIBENCH_USAGE', `${hosts} hosts and ${ports} ports do not pair up`, {
    hint: 'give --host and --port the same number of entries, or one of them a single one',
  });
}
