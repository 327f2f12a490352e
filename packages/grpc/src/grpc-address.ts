import { AibenchError } from '@aibench/core';

/** How a TLS connection checks the server. */
export interface GrpcTls {
  /** PEM file with the authorities to trust instead of the system's. Default: the system's. */
  readonly caPath?: string | undefined;
  /** Takes any certificate. Default false. */
  readonly insecure?: boolean | undefined;
}

/** Where a gRPC server is. */
export interface GrpcAddress {
  /** Name or address, an IPv6 one without brackets. */
  readonly host: string;
  readonly port: number;
  /** Set where the connection is encrypted. */
  readonly tls?: GrpcTls | undefined;
}

/** What {@link parseGrpcAddress} takes besides the text. */
export interface GrpcAddressOptions {
  /** The flag that the text comes from, for errors: `--host`. */
  readonly flag: string;
  /** The port where the text names none. */
  readonly defaultPort: number;
  /** How `grpcs://` connections check the server. Default: by the system's authorities. */
  readonly tls?: GrpcTls | undefined;
}

const form = 'an address is written host:port or grpc://host[:port], grpcs:// for TLS';

/**
 * Reads where a server is: `host`, `host:port` or `[ipv6]:port` as the flags of
 * the Go suite take them, or the same after `grpc://`, or after `grpcs://` for TLS.
 *
 * @throws AIBENCH_USAGE naming the flag; the message has no login in it
 */
export function parseGrpcAddress(text: string, options: GrpcAddressOptions): GrpcAddress {
  const trimmed = text.trim();
  const [, scheme, place = ''] = /^(?:(grpcs?):\/\/)?(.*?)\/?$/is.exec(trimmed) ?? [];
  const bracketed = /^\[([0-9a-f:.%a-z]+)\](?::(\d+))?$/i.exec(place);
  const plain = /^([^:/?#@[\]\s]*)(?::(\d+))?$/.exec(place);
  const bareIpv6 = /^[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*$/i.test(place) ? [place, place] : null;
  const match = bracketed ?? plain ?? bareIpv6;
  const port = match?.[2] === undefined ? options.defaultPort : Number(match[2]);
  if (match === null || place === '' || port < 1 || port > 65_535) {
    // What looks like a login stays out of messages, and so out of logs.
    const shown = trimmed.replace(/[^/]*@/, '***@');
    throw new AibenchError('AIBENCH_USAGE', `"${shown}" is no address of a gRPC server`, {
      hint: `${options.flag}: ${form}`,
    });
  }
  const tls = scheme?.toLowerCase() === 'grpcs' ? { tls: options.tls ?? {} } : {};
  // ":8500" is this machine, as it is for Go's dialer.
  return { host: match[1] || 'localhost', port, ...tls };
}

/** `host:port`, an IPv6 address in brackets: how an address stands in messages and in `:authority`. */
export function formatGrpcAddress({ host, port }: Pick<GrpcAddress, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
