import { binaryPath } from './binary.js';
import { startGuarded } from './guarded-process.js';

/** Flags of its ports, each 0. */
const freePorts = [
  'redis',
  'tfserving',
  'tfserving-rest',
  'triton-grpc',
  'triton-http',
  'triton-metrics',
  'torchserve',
  'torchserve-management',
  'torchserve-metrics',
  'torchserve-grpc',
  'flask',
].flatMap((name) => [`--${name}-port`, '0']);

/** The suite's own reference server, as a process of its own. */
export interface ReferenceServer {
  /**
   * `host:port` of each port. Those of a protocol that `--protocols` leaves out are missing, whatever the types say:
   * a test knows which it has asked for.
   */
  readonly addresses: Readonly<Record<ReferenceServerPort, string>>;
  /** Kills it; it is also killed after the test. */
  stop(): Promise<void>;
}

/** The names under which it tells its addresses. */
export type ReferenceServerPort =
  | 'redis'
  | 'tfserving'
  | 'tfservingRest'
  | 'triton'
  | 'tritonHttp'
  | 'tritonMetrics'
  | 'torchserve'
  | 'torchserveManagement'
  | 'torchserveMetrics'
  | 'torchserveGrpc'
  | 'flask';

/**
 * Starts the built reference server on free ports.
 *
 * @param args further flags; by default every port is 0
 */
export async function startReferenceServer(args: readonly string[] = []): Promise<ReferenceServer> {
  const command = [process.execPath, binaryPath('reference-server'), ...freePorts, ...args];
  const server = await startGuarded(command, (stdout) => {
    const end = stdout.indexOf('\n');
    return end === -1 ? undefined : stdout.slice(0, end);
  });
  const first: unknown = JSON.parse(server.ready);
  if (!hasAddresses(first)) {
    await server.kill();
    throw new Error(`the reference server's first line tells no addresses: ${server.ready}`);
  }
  return { addresses: first.addresses, stop: () => server.kill() };
}

function hasAddresses(value: unknown): value is Pick<ReferenceServer, 'addresses'> {
  return typeof value === 'object' && value !== null && 'addresses' in value;
}
