import { createServer, type Socket } from 'node:net';
import { afterwards } from './afterwards.js';

/** A TCP server in this process that does what a test wants, for hostile and broken peers. */
export interface TcpPeer {
  /** `127.0.0.1:<port>`. */
  readonly address: string;
  readonly port: number;
  /** Connections accepted so far. */
  connections(): number;
  /** Drops every connection and stops listening; happens after the test too. */
  stop(): Promise<void>;
}

/**
 * Listens on a free port of 127.0.0.1.
 *
 * @param onConnection gets every connection; its errors are swallowed
 */
export async function startTcpPeer(onConnection: (socket: Socket) => void): Promise<TcpPeer> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    onConnection(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const listening = server.address();
  const port = typeof listening === 'object' && listening !== null ? listening.port : 0;
  const stop = afterwards({
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
    stopNow() {},
  });
  return { address: `127.0.0.1:${port}`, port, connections: () => connections, stop };
}
