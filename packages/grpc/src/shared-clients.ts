import { formatGrpcAddress, type GrpcAddress } from './grpc-address.js';
import type { GrpcClient } from './grpc-client.js';
import { type GrpcClientOptions, openGrpcClient } from './open-grpc-client.js';

/** Connections that several users share, the workers of a load thread. */
export class SharedClients {
  readonly #options: GrpcClientOptions;
  readonly #usersPerConnection: number;
  readonly #open = new Map<string, SharedClient>();

  /** @param usersPerConnection most users of one connection */
  constructor(options: GrpcClientOptions, usersPerConnection: number) {
    this.#options = options;
    this.#usersPerConnection = usersPerConnection;
  }

  /**
   * A place on a connection to a server, opened where there is none with room.
   * Closing the client gives the place back, and the connection up with its last one.
   *
   * @throws what {@link openGrpcClient} throws
   */
  async join(address: GrpcAddress): Promise<GrpcClient> {
    const key = formatGrpcAddress(address);
    let shared = this.#open.get(key);
    if (shared === undefined || shared.left || shared.members >= this.#usersPerConnection) {
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
  /** Whether a user has left, which happens when the connection is lost or the run is over: nobody joins then. */
  left: boolean;
}

function placeOn(shared: SharedClient, client: GrpcClient): GrpcClient {
  let hasLeft = false;
  return {
    address: client.address,
    method: (path) => client.method(path),
    // Each user would tell the whole connection's.
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
