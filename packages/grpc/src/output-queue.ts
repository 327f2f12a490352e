/** The part of a socket that is written to. */
export interface OutputSocket {
  readonly writableLength: number;
  cork(): void;
  uncork(): void;
  write(chunk: Uint8Array): boolean;
}

/** Memory that short writes are joined in. */
const blockBytes = 65_536;
/** From this size on, bytes are passed to the socket where they lie. */
const copiedBelowBytes = 8_192;
/** With this much waiting, the end of the turn is not waited for. */
const mostGatheredBytes = 262_144;

/** Blocks that nobody uses at the moment: a thread may have a thousand connections, but few that are about to write. */
const spareBlocks: Buffer[] = [];
const mostSpareBlocks = 64;
const noBlock = Buffer.alloc(0);

/**
 * Gathers what a connection sends in one turn of the event loop, and writes it
 * at the turn's end in one go: short things copied behind one another into one
 * block, long ones by reference.
 */
export class OutputQueue {
  readonly #socket: OutputSocket;
  readonly #mayReuse: boolean;
  /** Where {@link reserve} has made room. */
  block: Buffer = noBlock;
  /** What of the block is not yet among the chunks, and where it ends. */
  #from = 0;
  #at = 0;
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  #isScheduled = false;
  #isClosed = false;
  readonly #flushAtTurnEnd = (): void => {
    this.#isScheduled = false;
    this.flush();
  };

  /**
   * @param mayReuse whether bytes that the socket no longer counts as waiting may be overwritten: so it is where the
   * kernel has taken them, but not where they may still have to be encrypted
   */
  constructor(socket: OutputSocket, mayReuse: boolean) {
    this.#socket = socket;
    this.#mayReuse = mayReuse;
  }

  /** Bytes that are gathered or that the kernel has not taken. */
  get backlogBytes(): number {
    return this.#socket.writableLength + this.#gatheredBytes;
  }

  get #gatheredBytes(): number {
    return this.#chunkBytes + this.#at - this.#from;
  }

  /** Makes room for some bytes, up to 64 KiB, at the returned place of {@link block}; all of it has to be written. */
  reserve(bytes: number): number {
    if (this.#at + bytes > this.block.length) this.#nextBlock();
    const at = this.#at;
    this.#at = at + bytes;
    if (!this.#isScheduled) this.#schedule();
    return at;
  }

  /** Adds bytes, which must not change until they are sent. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length < copiedBelowBytes) {
      const at = this.reserve(length);
      this.block.set(length === bytes.byteLength ? bytes : bytes.subarray(start, end), at);
      return;
    }
    this.#closeChunk();
    this.#chunks.push(length === bytes.byteLength ? bytes : bytes.subarray(start, end));
    this.#chunkBytes += length;
    if (!this.#isScheduled) this.#schedule();
    if (this.#chunkBytes >= mostGatheredBytes) this.flush();
  }

  /** Writes what is gathered. */
  flush(): void {
    if (this.#isClosed || this.#gatheredBytes === 0) return;
    const socket = this.#socket;
    this.#closeChunk();
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#chunkBytes = 0;
    if (chunks.length === 1) socket.write(chunks[0]!);
    else {
      socket.cork();
      for (const chunk of chunks) socket.write(chunk);
      socket.uncork();
    }
    // Mostly the kernel takes all at once; then the block is free again.
    if (this.#mayReuse && socket.writableLength === 0) this.#releaseBlock();
  }

  /** Drops what is gathered, and all that comes. */
  close(): void {
    this.#isClosed = true;
    this.#chunks = [];
    this.#chunkBytes = 0;
    this.#from = 0;
    this.#at = 0;
  }

  #schedule(): void {
    if (this.#isClosed) {
      this.#from = 0;
      this.#at = 0;
      return;
    }
    this.#isScheduled = true;
    setImmediate(this.#flushAtTurnEnd);
  }

  #closeChunk(): void {
    if (this.#at === this.#from) return;
    this.#chunks.push(this.block.subarray(this.#from, this.#at));
    this.#chunkBytes += this.#at - this.#from;
    this.#from = this.#at;
  }

  #nextBlock(): void {
    this.flush();
    this.block = spareBlocks.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
    this.#from = 0;
    this.#at = 0;
  }

  #releaseBlock(): void {
    if (this.block !== noBlock && spareBlocks.length < mostSpareBlocks) spareBlocks.push(this.block);
    this.block = noBlock;
    this.#from = 0;
    this.#at = 0;
  }
}
