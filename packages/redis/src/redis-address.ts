import { AibenchError } from '@aibench/core';

/** How a TLS connection checks the server. */
export interface RedisTls {
  /** PEM file with the authorities to trust instead of the system's. Default: the system's. */
  readonly caPath?: string | undefined;
  /** Takes any certificate. Default false. */
  readonly insecure?: boolean | undefined;
}

/** Where a Redis server is and how to log in. */
export interface RedisAddress {
  /** Name or address, an IPv6 one without brackets. */
  readonly host: string;
  readonly port: number;
  /** ACL user. Default: the server's default user. */
  readonly username?: string | undefined;
  /** Default: no AUTH is sent. */
  readonly password?: string | undefined;
  readonly database: number;
  /** Set where the connection is encrypted. */
  readonly tls?: RedisTls | undefined;
}

/** What {@link parseRedisAddress} takes besides the text. */
export interface RedisAddressOptions {
  /** How `rediss://` connections check the server. Default: by the system's authorities. */
  readonly tls?: RedisTls | undefined;
}

const defaultPort = 6379;
const form =
  'an address is written redis://[[user]:password@]host[:port][/database], rediss:// for TLS, or host:port';

/**
 * Reads where a server is: a `redis://` or `rediss://` URL, or `host`,
 * `host:port`, `[ipv6]:port` as the flags of the Go suite take them. User and
 * password are percent-decoded; port 6379 and database 0 are the defaults.
 *
 * @throws AIBENCH_USAGE; the message never contains a password
 */
export function parseRedisAddress(text: string, options: RedisAddressOptions = {}): RedisAddress {
  const trimmed = text.trim();
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(trimmed)?.[1]?.toLowerCase();
  if (scheme === undefined) return { ...parseHostPort(trimmed), database: 0 };
  if (scheme !== 'redis' && scheme !== 'rediss') throw notAnAddress(trimmed);
  const tls = scheme === 'rediss' ? { tls: options.tls ?? {} } : {};
  const [userInfo, place] = splitLast(trimmed.slice(scheme.length + 3), '@');
  const [hostPort, database] = splitFirst(place, '/');
  if (!/^\d*$/.test(database)) throw notAnAddress(trimmed);
  return {
    ...parseHostPort(hostPort, trimmed),
    ...parseUserInfo(userInfo),
    database: Number(database),
    ...tls,
  };
}

/** Reads several addresses, as of the nodes of a cluster. At least one is needed. */
export function parseRedisAddresses(
  texts: readonly string[],
  options: RedisAddressOptions = {},
): readonly [RedisAddress, ...RedisAddress[]] {
  const [first, ...others] = texts.map((text) => parseRedisAddress(text, options));
  if (first === undefined)
    throw new AibenchError('AIBENCH_USAGE', 'no Redis address is given', { hint: form });
  return [first, ...others];
}

/** `host:port`, an IPv6 address in brackets: how an address stands in messages. */
export function formatRedisAddress({ host, port }: Pick<RedisAddress, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function parseHostPort(text: string, whole = text): { host: string; port: number } {
  const bracketed = /^\[([0-9a-fA-F:.%a-z]+)\](?::(\d+))?$/.exec(text);
  const plain = /^([^:/?#@[\]\s]*)(?::(\d+))?$/.exec(text);
  const bareIpv6 = /^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text) ? [text, text] : null;
  const match = bracketed ?? plain ?? bareIpv6;
  if (match === null || text === '') throw notAnAddress(whole);
  const port = match[2] === undefined ? defaultPort : Number(match[2]);
  if (port < 1 || port > 65_535) throw notAnAddress(whole);
  // ":6379" is this machine, as it is for Go's dialer.
  return { host: match[1] || 'localhost', port };
}

function parseUserInfo(text: string): Pick<RedisAddress, 'username' | 'password'> {
  if (text === '') return {};
  const [username, password] = splitFirst(text, ':').map(decode) as [string, string];
  return { ...(username === '' ? {} : { username }), ...(password === '' ? {} : { password }) };
}

/** A password with a bare per cent sign is taken as it stands. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function splitFirst(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function splitLast(text: string, separator: string): [string, string] {
  const at = text.lastIndexOf(separator);
  return at === -1 ? ['', text] : [text.slice(0, at), text.slice(at + 1)];
}

function notAnAddress(text: string): AibenchError {
  const shown = text.replace(/(^[a-z0-9+.-]*:\/\/)?.*@/i, '$1***@');
  return new AibenchError('AIBENCH_USAGE', `"${shown}" is no Redis address`, { hint: form });
}
