/** What a server answers: bulk and simple strings as Buffers; an error only inside an array. */
export type RedisReply = Buffer | number | null | Error | readonly RedisReply[];

/** A connection, or the connections to a cluster, on which encoded commands are sent. */
export interface RedisClient {
  /** `host:port`, for messages. */
  readonly address: string;
  /**
   * Sends one encoded command.
   *
   * @param wire the command in RESP; must not change until the promise settles
   * @param slot hash slot of its key, which a cluster's client needs; ignored otherwise
   * @throws AIBENCH_SERVER for an error answer, AIBENCH_CONNECTION when the connection is lost
   */
  send(wire: Buffer, slot?: number): Promise<RedisReply>;
  /** Closes the connections; commands on their way are rejected. */
  close(): Promise<void>;
}

/** The text of a simple or bulk string reply. */
export function replyText(reply: RedisReply | undefined): string {
  if (Buffer.isBuffer(reply)) return reply.toString();
  return typeof reply === 'number' ? String(reply) : '';
}
