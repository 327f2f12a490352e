import type { UnaryCall } from './unary-call.js';

/** The calls of a connection: those that are out, by stream, and those that wait because the server takes no more. */
export class CallTable {
  readonly #mostOut: () => number;
  readonly #send: (call: UnaryCall) => void;
  readonly #out = new Map<number, UnaryCall>();
  #queued: UnaryCall[] = [];

  /**
   * @param mostOut how many may be out at once, as the server has it now
   * @param send sends a call, and {@link add}s it
   */
  constructor(mostOut: () => number, send: (call: UnaryCall) => void) {
    this.#mostOut = mostOut;
    this.#send = send;
  }

  /** How many are out. */
  get outCount(): number {
    return this.#out.size;
  }

  /** The call of a stream, where it is out. */
  get(streamId: number): UnaryCall | undefined {
    return this.#out.get(streamId);
  }

  /** Those that are out. */
  out(): UnaryCall[] {
    return [...this.#out.values()];
  }

  /** All, those that wait last. */
  all(): UnaryCall[] {
    return [...this.#out.values(), ...this.#queued];
  }

  /** Sends a call, or lets it wait for its turn. */
  start(call: UnaryCall): void {
    if (this.#out.size >= this.#mostOut()) this.#queued.push(call);
    else this.#send(call);
  }

  add(streamId: number, call: UnaryCall): void {
    this.#out.set(streamId, call);
  }

  /** Takes a call away that is over, and sends what has waited for that. */
  remove(call: UnaryCall): void {
    this.#out.delete(call.streamId);
    if (this.#queued.length > 0) this.startQueued();
  }

  /** Takes a call away that waits. */
  removeQueued(call: UnaryCall): void {
    if (this.#queued.length > 0) this.#queued = this.#queued.filter((queued) => queued !== call);
  }

  /** For a call that the server has refused for now: it is the next, once another has ended. */
  postpone(streamId: number, call: UnaryCall): void {
    this.#out.delete(streamId);
    this.#queued.unshift(call);
    if (this.#out.size === 0) this.startQueued();
  }

  /** Sends what may be sent. */
  startQueued(): void {
    while (this.#queued.length > 0 && this.#out.size < this.#mostOut()) this.#send(this.#queued.shift()!);
  }

  /** Takes away what waits. */
  takeQueued(): UnaryCall[] {
    return this.#queued.splice(0);
  }

  /** Takes all away. */
  takeAll(): UnaryCall[] {
    const all = this.all();
    this.#out.clear();
    this.#queued = [];
    return all;
  }
}
