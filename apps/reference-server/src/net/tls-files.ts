import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { AibenchError } from '@aibench/core';

/** A certificate and its key, PEM. */
export interface TlsIdentity {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/**
 * Reads a certificate and its key.
 *
 * @throws AIBENCH_INPUT when a file cannot be read, or the two don't go together
 */
export function readTlsFiles(certificatePath: string, keyPath: string): TlsIdentity {
  const cert = readPem(certificatePath, '--tls-cert');
  const key = readPem(keyPath, '--tls-key');
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new AibenchError(
      'AIBENCH_INPUT',
      `${certificatePath} and ${keyPath} are no certificate and its key: ${(cause as Error).message}`,
      { hint: 'pass PEM files with --tls-cert and --tls-key', cause },
    );
  }
  return { cert, key };
}

function readPem(path: string, flag: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new AibenchError('AIBENCH_INPUT', `${path} cannot be read: ${(cause as Error).message}`, {
      hint: `see ${flag}`,
      cause,
    });
  }
}
