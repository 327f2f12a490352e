import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { decodeReply, type Reply } from './decode-reply.js';

/** An argument of a command: text is sent as UTF-8. */
export type Argument = string | number | Uint8Array;

/** A command in the form that clients send. */
export function encodeCommand(args: readonly Argument[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = arg instanceof Uint8Array ? Buffer.from(arg) : Buffer.from(String(arg));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

/** A connection that shows replies as they are. */
export class TestClient {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #isEnded = false;
  /** Called when something has arrived, or nothing more will. */
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('close', () => {
      this.#isEnded = true;
      this.#wake();
    });
  }

  static async connect(port: number): Promise<TestClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await once(socket, 'connect');
    return new TestClient(socket);
  }

  /** Sends a command and waits for its reply. */
  async call(...args: Argument[]): Promise<Reply> {
    this.socket.write(encodeCommand(args));
    return this.next();
  }

  /** Sends commands in one write and waits for all replies. */
  async pipeline(commands: readonly (readonly Argument[])[]): Promise<Reply[]> {
    this.socket.write(Buffer.concat(commands.map((command) => encodeCommand(command))));
    const replies: Reply[] = [];
    for (const _ of commands) replies.push(await this.next());
    return replies;
  }

  /** The next reply. */
  async next(): Promise<Reply> {
    for (;;) {
      const decoded = decodeReply(this.#received);
      if (decoded !== undefined) {
        this.#received = this.#received.subarray(decoded.end);
        return decoded.value;
      }
      if (this.#isEnded) throw new Error('the server has closed the connection');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Resolves when the server has closed the connection; gives what it had sent beforehand. */
  async closed(): Promise<string> {
    while (!this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#received.toString('latin1');
  }

  close(): void {
    this.socket.destroy();
  }
}
