/** A command that a server refused. */
export interface RefusedCommand {
  /** `SET`. */
  readonly command: string;
  /** Undefined where the command has no key. */
  readonly key: string | undefined;
  /** `host:port`. */
  readonly address: string;
  /** The server's words. */
  readonly text: string;
}

/** What has become of the commands given to a bulk writer. */
export interface BulkTotals {
  /** Commands given to the writer. */
  readonly added: number;
  /** Commands that the server has carried out. */
  readonly confirmed: number;
  /** Commands that it answered with an error. */
  readonly refused: number;
  /** Sum of the integers that it answered, as to EXISTS. */
  readonly integerSum: number;
  /** Commands that a cluster had somewhere else than was thought. */
  readonly redirected: number;
}

/** Refusals kept with their text, the rest are only counted. */
const keptRefusals = 10;

/** The account of a bulk writer: every command ends up confirmed or refused, or is still open. */
export class BulkLedger {
  /** The first commands that were refused. */
  readonly refusals: RefusedCommand[] = [];
  added = 0;
  redirected = 0;
  #confirmed = 0;
  #refused = 0;
  #integerSum = 0;

  get totals(): BulkTotals {
    return {
      added: this.added,
      confirmed: this.#confirmed,
      refused: this.#refused,
      integerSum: this.#integerSum,
      redirected: this.redirected,
    };
  }

  /** Commands answered, one way or the other. */
  get answered(): number {
    return this.#confirmed + this.#refused;
  }

  get confirmed(): number {
    return this.#confirmed;
  }

  /** A command was carried out. */
  confirm(reply: unknown): void {
    this.#confirmed += 1;
    if (typeof reply === 'number') this.#integerSum += reply;
  }

  /** A command was answered with an error. */
  refuse(refusal: RefusedCommand): void {
    this.#refused += 1;
    if (this.refusals.length < keptRefusals) this.refusals.push(refusal);
  }
}
