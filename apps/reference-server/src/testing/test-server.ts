import { defaultValues } from '@aibench/harness/cli';
import { onTestFinished } from 'vitest';
import { flags, type ReferenceServerFlags } from '../flags.js';
import { type ReferenceServer, startReferenceServer } from '../reference-server.js';
import { TestClient } from './test-client.js';

/** A server in this process, gone when the test ends. */
export interface TestServer {
  readonly port: number;
  /** A new connection to it. */
  connect(): Promise<TestClient>;
}

/** Every port a free one. */
export const freePorts = {
  redisPort: 0,
  tfservingPort: 0,
  tfservingRestPort: 0,
  tritonGrpcPort: 0,
  tritonHttpPort: 0,
  tritonMetricsPort: 0,
  torchservePort: 0,
  torchserveManagementPort: 0,
  torchserveMetricsPort: 0,
  torchserveGrpcPort: 0,
  flaskPort: 0,
} as const satisfies Partial<ReferenceServerFlags>;

/** Starts a server in this process on free ports, gone when the test ends; its flags have their defaults unless given. */
export async function startServer(overrides: Partial<ReferenceServerFlags> = {}): Promise<ReferenceServer> {
  const server = await startReferenceServer(
    { ...defaultValues(flags), ...freePorts, ...overrides },
    '0.0.0-test',
  );
  onTestFinished(() => server.close());
  return server;
}

/** Starts a server of the Redis protocol on a free port; its flags have their defaults unless given. */
export async function startTestServer(overrides: Partial<ReferenceServerFlags> = {}): Promise<TestServer> {
  const server = await startServer({ protocols: ['redis'], ...overrides });
  const clients: TestClient[] = [];
  onTestFinished(() => {
    for (const client of clients) client.close();
  });
  const port = Number(server.addresses.redis?.split(':').at(-1));
  return {
    port,
    async connect() {
      const client = await TestClient.connect(port);
      clients.push(client);
      return client;
    },
  };
}

/** Starts a server and connects once. */
export async function connectToTestServer(
  overrides: Partial<ReferenceServerFlags> = {},
): Promise<TestClient> {
  return (await startTestServer(overrides)).connect();
}
