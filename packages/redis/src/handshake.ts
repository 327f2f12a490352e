import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { AibenchError } from '@aibench/core';
import type { RedisAddress, RedisTls } from './redis-address.js';

/** A command that opens a connection, and which of its errors does not matter. */
export interface HandshakeStep {
  readonly command: readonly [string, ...string[]];
  readonly mayFail?: RegExp;
}

/**
 * What is sent first on every connection, whoever owns its socket: log in,
 * choose the database, see that it is a Redis that answers. RESP2, which every
 * version knows.
 */
export function handshakeSteps(address: RedisAddress): readonly HandshakeStep[] {
  const steps: HandshakeStep[] = [];
  const { username, password, database } = address;
  if (password !== undefined) {
    steps.push({
      command: username === undefined ? ['AUTH', password] : ['AUTH', username, password],
      // A password that the server does not ask for does no harm.
      mayFail: /no password is set|without any password configured/,
    });
  }
  if (database !== 0) steps.push({ command: ['SELECT', String(database)] });
  // An ACL may forbid PING; the answer still comes from a Redis.
  steps.push({ command: ['PING'], mayFail: /^NOPERM/ });
  return steps;
}

/**
 * The settings that Node's TLS takes.
 *
 * @throws AIBENCH_INPUT naming the file of authorities when it cannot be read
 */
export function tlsConnectionOptions(tls: RedisTls, host: string): ConnectionOptions {
  return {
    ...(tls.caPath === undefined || tls.caPath === '' ? {} : { ca: readAuthorities(tls.caPath) }),
    rejectUnauthorized: tls.insecure !== true,
    // An IP address must not be sent as a server name (RFC 6066, section 3).
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
  };
}

function readAuthorities(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new AibenchError(
      'AIBENCH_INPUT',
      `cannot read the certificates in ${path}: ${(cause as Error).message}`,
      {
        hint: 'see --tls-ca',
        cause,
      },
    );
  }
}
