import { AibenchError } from '@aibench/core';

/** How a TLS connection checks the server. */
export interface HttpTls {
  /** PEM file with the authorities to trust instead of the system's. Default: the system's. */
  readonly caPath?: string | undefined;
  /** Takes any certificate. Default false. */
  readonly insecure?: boolean | undefined;
}

/** Where an HTTP server is. */
export interface HttpAddress {
  /** `http://127.0.0.1:8000`, without a path. */
  readonly origin: string;
  /** `host:port`, as it stands in messages. */
  readonly address: string;
  /** Set where the connection is encrypted. */
  readonly tls: HttpTls | undefined;
}

/** What {@link parseHttpAddress} takes besides the text. */
export interface HttpAddressOptions {
  /** The flag that the text comes from, for errors: `--host`. */
  readonly flag: string;
  /** The port where the text names none. */
  readonly defaultPort: number;
  /** How `https://` connections check the server. Default: by the system's authorities. */
  readonly tls?: HttpTls | undefined;
}

/**
 * Reads where an HTTP server is: `host`, `host:port` or `[ipv6]:port`, alone or
 * after `http://`, or after `https://` for TLS.
 *
 * @throws AIBENCH_USAGE naming the flag; the message has no login in it
 */
export function parseHttpAddress(text: string, options: HttpAddressOptions): HttpAddress {
  const trimmed = text.trim();
  const [, scheme = 'http', place = ''] = /^(?:(https?):\/\/)?([^/?#@]*)\/?$/i.exec(trimmed) ?? [];
  const port = /^(?:\[[^\]]+\]|[^:[\]\s]*)(?::(\d{1,5}))?$/.exec(place);
  const host = place.replace(/:\d+$/, '') || 'localhost';
  const number = port?.[1] === undefined ? options.defaultPort : Number(port[1]);
  const origin = `${scheme.toLowerCase()}://${host}:${number}`;
  if (port === null || place === '' || number < 1 || number > 65_535 || !URL.canParse(origin)) {
    throw new AibenchError(
      'AIBENCH_USAGE',
      `"${trimmed.replace(/[^/]*@/, '***@')}" is no address of an HTTP server`,
      {
        hint: `${options.flag}: an address is written host:port or http://host[:port], https:// for TLS`,
      },
    );
  }
  const isEncrypted = scheme.toLowerCase() === 'https';
  return { origin, address: `${host}:${number}`, tls: isEncrypted ? (options.tls ?? {}) : undefined };
}
