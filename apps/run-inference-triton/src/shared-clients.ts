import { type GrpcAddress, type GrpcClient, type GrpcClientOptions, openGrpcClient } from '@aibench/grpc';

/** gRPC connections of a thread that its workers share. */
export class SharedClients {
  readonly #options: GrpcClientOptions;
  readonly #workers: number;
  readonly #open = new Map<string, SharedClient>();

  /** @param workers most workers on one connection */
  constructor(options: GrpcClientOptions, workers: number) {
    this.#options = options;
    this.#workers = workers;
  }

  /**
   * A place on a connection to a server, opened where there is none with room.
   * Closing the client gives the place back, and the connection up with its last one.
   *
   * @throws what {@link openGrpcClient} throws
   */
  async join(address: GrpcAddress): Promise<GrpcClient> {
    const key = `${address.host}:${address.port}`;
    let shared = this.#open.get(key);
    if (shared === undefined || shared.left || shared.members >= this.#workers) {
      shared = { opening: openGrpcClient(address, this.#options), members: 0, left: false };
      this.#open.set(key, shared);
    }
    const place = shared;
    place.members += 1;
    try {
      return placeOn(place, await place.opening);
    } catch (error) {
      place.left = true;
      throw error;
    }
  }
}

interface SharedClient {
  readonly opening: Promise<GrpcClient>;
  members: number;
  /** Whether a worker has left, which happens when the connection is lost or the run is over: nobody joins then. */
  left: boolean;
}

function placeOn(shared: SharedClient, client: GrpcClient): GrpcClient {
  let hasLeft = false;
  return {
    address: client.address,
    method: (path) => client.method(path),
    // Each worker would tell the whole connection's.
    backlogBytes: () => (client.backlogBytes() ?? 0) / Math.max(shared.members, 1),
    async close() {
      if (hasLeft) return;
      hasLeft = true;
      shared.left = true;
      shared.members -= 1;
      if (shared.members === 0) await client.close();
    },
  };
}
