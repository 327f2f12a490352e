import type { Server } from 'node:net';
import { AibenchError } from '@aibench/core';

/** Where a port is to listen. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The flag that sets the port, without dashes: `redis-port`. */
  readonly flag: string;
}

/**
 * Begins to listen.
 *
 * @returns the port
 * @throws AIBENCH_CONNECTION when the port cannot be had
 */
export function listen(server: Server, { host, port, flag }: ListenOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'EADDRINUSE' ? 'the port is in use' : cause.message;
      reject(
        new AibenchError('AIBENCH_CONNECTION', `cannot listen on ${host}:${port}: ${reason}`, {
          hint: `pass another --${flag}, or 0 for a free one`,
          cause,
        }),
      );
    });
    server.listen({ host, port }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
