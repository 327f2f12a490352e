import { startTcpPeer } from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import { startGrpcServer } from './grpc-server.test.fixture.js';
import type { GrpcClientOptions } from './open-grpc-client.js';
import { SharedClients } from './shared-clients.js';

const options: GrpcClientOptions = { flag: '--host', timeoutMs: 5_000 };

describe('SharedClients', () => {
  it('puts as many on a connection as it may, and gives it up with the last of them', async () => {
    const { port } = await startGrpcServer();
    const peers: number[] = [];
    const address = { host: '127.0.0.1', port };
    const shared = new SharedClients(options, 2);
    const clients = await Promise.all([1, 2, 3].map(() => shared.join(address)));
    const echo = async (client: (typeof clients)[number]) => {
      peers.push((await client.method('/test.Service/Echo').call(Uint8Array.of(7))).length);
    };
    await Promise.all(clients.map(echo));
    expect(peers).toEqual([1, 1, 1]);
    await clients[0]!.close();
    await clients[0]!.close();
    // The second still has the connection that it shared with the first.
    await echo(clients[1]!);
    await clients[1]!.close();
    await expect(echo(clients[1]!)).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
    await echo(clients[2]!);
    // Nobody joins a connection that somebody has left: it may have been for a reason.
    const another = await shared.join(address);
    await echo(another);
    await Promise.all([clients[2]!.close(), another.close()]);
  });

  it('opens one connection for all who come at the same time', async () => {
    const peer = await startTcpPeer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const shared = new SharedClients(options, 8);
    const address = { host: '127.0.0.1', port: peer.port };
    const joining = [1, 2, 3].map(() => shared.join(address));
    for (const each of joining) await expect(each).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
    expect(peer.connections()).toBe(1);
    await expect(shared.join(address)).rejects.toMatchObject({ code: 'AIBENCH_CONNECTION' });
    expect(peer.connections()).toBe(2);
  });
});
