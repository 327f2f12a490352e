import { Command } from 'ioredis';

/**
 * An ioredis command that is already encoded. ioredis writes the buffer as it
 * is instead of encoding argument by argument, which is most of what a request
 * costs it. The reply arrives as raw Buffers, integers, nulls and arrays.
 */
export class EncodedCommand extends Command {
  readonly #wire: Buffer;

  /**
   * @param wire the whole command in RESP; must not change until the reply is in
   * @param toError turns ioredis' error into the one that the promise is rejected with
   */
  constructor(wire: Buffer, toError: (error: Error) => Error) {
    // ioredis treats some commands specially by their names; this one is none of them.
    super('encoded');
    this.#wire = wire;
    const { reject } = this;
    this.reject = (error) => reject(toError(error));
  }

  override toWritable(): Buffer {
    return this.#wire;
  }
}
