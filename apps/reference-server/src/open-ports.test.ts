import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { makeTlsCertificate } from '@aibench/testing';
import { ServerLiveRequest, ServerLiveResponse, tritonMethod } from '@aibench/triton';
import { describe, expect, it } from 'vitest';
import { GrpcCaller } from './testing/grpc-caller.js';
import { startServer } from './testing/test-server.js';

/** The status of a GET over TLS. */
function httpsStatus(address: string, path: string, ca: Buffer): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(`https://${address}${path}`, { ca }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

function isOpen(address: string): Promise<boolean> {
  const [host, port] = address.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host: host!, port: Number(port) });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

describe('the ports', () => {
  it('have TLS where inferences go, and metrics in the clear', async () => {
    const { certificatePath, keyPath } = await makeTlsCertificate();
    const { addresses } = await startServer({ tlsCert: certificatePath, tlsKey: keyPath });
    const ca = readFileSync(certificatePath);
    for (const address of [addresses.triton!, addresses.tfserving!]) {
      const live = new GrpcCaller(address, ca).call(
        tritonMethod.serverLive,
        ServerLiveRequest,
        ServerLiveResponse,
        {},
      );
      if (address === addresses.triton) expect(await live).toEqual({ live: true });
      else await expect(live).rejects.toMatchObject({ code: 12 });
    }
    expect(await httpsStatus(addresses.tritonHttp!, '/v2/health/live', ca)).toBe(200);
    for (const url of [
      `${addresses.tritonMetrics}/metrics`,
      `${addresses.tfservingRest}/monitoring/prometheus/metrics`,
    ]) {
      expect((await fetch(`http://${url}`)).status).toBe(200);
    }
  });

  it('are all closed again where one cannot be had, which the message names', async () => {
    const { addresses } = await startServer();
    const taken = Number(addresses.tritonMetrics!.split(':')[1]);
    const free = await startServer({ protocols: ['tfserving'] });
    const tfservingPort = Number(free.addresses.tfserving!.split(':')[1]);
    await free.close();
    await expect(startServer({ tfservingPort, tritonMetricsPort: taken })).rejects.toMatchObject({
      code: 'AIBENCH_CONNECTION',
      message: `cannot listen on 127.0.0.1:${taken}: the port is in use`,
      hint: 'pass another --triton-metrics-port, or 0 for a free one',
    });
    expect(await isOpen(`127.0.0.1:${tfservingPort}`)).toBe(false);
  });
});
