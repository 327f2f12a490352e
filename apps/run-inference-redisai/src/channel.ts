import type { MessageBytes } from '@aibench/core';
import type { RedisReply, RequestConnection } from '@aibench/redis';

/** A way to one server for one worker's requests, of which one is out at a time. */
export interface Channel {
  /** `host:port`. */
  readonly address: string;
  /**
   * Sends a request that is one command.
   *
   * @throws AIBENCH_SERVER for an error answer, AIBENCH_CONNECTION when the connection is lost
   */
  send(command: MessageBytes): Promise<RedisReply>;
  /**
   * Sends a request of several commands in one write.
   *
   * @returns their replies, in order
   * @throws the first error among them
   */
  sendAll(commands: readonly MessageBytes[]): Promise<RedisReply[]>;
  /** Bytes sent that the kernel has not taken yet; left out where the connection is not the channel's alone. */
  backlogBytes?(): number;
  /** Gives the connection up; a request that is out fails. */
  close(): Promise<void>;
}

/** A connection that no other worker uses. */
export function ownChannel(connection: RequestConnection): Channel {
  return {
    address: connection.address,
    send: (command) => connection.send(command),
    // What is sent in one turn of the event loop leaves in one write.
    sendAll: (commands) => Promise.all(commands.map((command) => connection.send(command))),
    backlogBytes: () => connection.backlogBytes,
    close: () => connection.close(),
  };
}
