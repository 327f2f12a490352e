import { defaultValues } from '@aibench/harness/cli';
import { onTestFinished } from 'vitest';
import { flags, type ReferenceServerFlags } from '../flags.js';
import { startReferenceServer } from '../reference-server.js';
import { TestClient } from './test-client.js';

/** A server in this process, gone when the test ends. */
export interface TestServer {
  readonly port: number;
  /** A new connection to it. */
  connect(): Promise<TestClient>;
}

/** Starts a server on a free port; its flags have their defaults unless given. */
export async function startTestServer(overrides: Partial<ReferenceServerFlags> = {}): Promise<TestServer> {
  const values = { ...defaultValues(flags), redisPort: 0, ...overrides };
  const server = await startReferenceServer(values, '0.0.0-test');
  const clients: TestClient[] = [];
  onTestFinished(async () => {
    for (const client of clients) client.close();
    await server.close();
  });
  const port = Number(server.addresses.redis.split(':').at(-1));
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
