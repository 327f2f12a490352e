import type { CommandTemplate } from './command-template.js';

/** Commands that are written to a socket together, and what they were, until all their replies are in. */
export class BulkBatch {
  /** Commands in it. */
  count = 0;
  /** Replies received. */
  replied = 0;
  readonly #capacity: number;
  readonly #ids: Float64Array;
  readonly #templates: CommandTemplate[] = [];
  readonly #starts: Float64Array;
  #bytes: Buffer = Buffer.alloc(0);
  #used = 0;

  /** @param capacity commands that it takes */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#ids = new Float64Array(capacity);
    this.#starts = new Float64Array(capacity);
  }

  get isFull(): boolean {
    return this.count === this.#capacity;
  }

  /** Appends a command; the blobs are copied. */
  add(template: CommandTemplate, id: number, blobs: readonly Uint8Array[]): void {
    const need = this.#used + template.sizeBytes(id);
    if (need > this.#bytes.length) this.#grow(need);
    this.#ids[this.count] = id;
    this.#templates[this.count] = template;
    this.#starts[this.count] = this.#used;
    this.count += 1;
    this.#used = template.encodeInto(this.#bytes, this.#used, id, blobs);
  }

  /** All of its commands, as a view. */
  wire(): Buffer {
    return this.#bytes.subarray(0, this.#used);
  }

  /** One command, copied. */
  copyCommand(index: number): Buffer {
    const end = index + 1 < this.count ? this.#starts[index + 1]! : this.#used;
    return Buffer.from(this.#bytes.subarray(this.#starts[index]!, end));
  }

  /** What a command was: its template and its row. */
  command(index: number): { readonly template: CommandTemplate; readonly id: number } {
    return { template: this.#templates[index]!, id: this.#ids[index]! };
  }

  /** Empties it, keeping its memory. */
  reset(): void {
    this.count = 0;
    this.replied = 0;
    this.#used = 0;
  }

  /** To what the whole batch will need if its commands are alike. */
  #grow(need: number): void {
    const alike = Math.ceil(need / (this.count + 1)) * this.#capacity;
    const grown = Buffer.allocUnsafeSlow(Math.max(need, alike, this.#bytes.length * 1.5));
    grown.set(this.wire());
    this.#bytes = grown;
  }
}
