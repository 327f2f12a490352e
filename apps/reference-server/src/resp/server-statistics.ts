import { LatencyHistogram } from '@aibench/core';

/** What `INFO commandstats` and `INFO latencystats` tell of a command. */
export interface CommandStatistics {
  /** Calls that were carried out. */
  calls: number;
  /** Time from its start to its reply, waiting for a model included, in us. */
  timeUs: number;
  /** Calls refused before they began: wrong number of arguments, no password given. */
  rejected: number;
  /** Calls that were answered with an error. */
  failed: number;
  /** The same times, one by one. */
  readonly latency: LatencyHistogram;
}

/** Counts of the RESP port since the start or the last `CONFIG RESETSTAT`. */
export class ServerStatistics {
  connections = 0;
  rejectedConnections = 0;
  commands = 0;
  inputBytes = 0;
  outputBytes = 0;
  errorReplies = 0;
  /** Highest number of bytes in use that `INFO` has seen. */
  peakMemoryBytes = 0;
  readonly #byCommand = new Map<string, CommandStatistics>();
  /** Commands at the last sample, for the rate. */
  #sampledCommands = 0;
  #sampledAtMs = performance.now();
  #commandsPerSecond = 0;

  /** The record of a command, by its name in lower case. */
  of(command: string): CommandStatistics {
    let found = this.#byCommand.get(command);
    if (found === undefined) {
      found = { calls: 0, timeUs: 0, rejected: 0, failed: 0, latency: new LatencyHistogram() };
      this.#byCommand.set(command, found);
    }
    return found;
  }

  /** Records of all commands seen. */
  byCommand(): IterableIterator<[string, CommandStatistics]> {
    return this.#byCommand.entries();
  }

  /** Commands a second over the last full sample. */
  get commandsPerSecond(): number {
    return this.#commandsPerSecond;
  }

  /** Takes a sample of the rate; called about once a second. */
  sample(): void {
    const nowMs = performance.now();
    const seconds = (nowMs - this.#sampledAtMs) / 1_000;
    if (seconds > 0) {
      this.#commandsPerSecond = Math.round(Math.max(0, this.commands - this.#sampledCommands) / seconds);
    }
    this.#sampledCommands = this.commands;
    this.#sampledAtMs = nowMs;
  }

  /** Begins anew. */
  reset(): void {
    this.connections = 0;
    this.rejectedConnections = 0;
    this.commands = 0;
    this.inputBytes = 0;
    this.outputBytes = 0;
    this.errorReplies = 0;
    this.peakMemoryBytes = 0;
    this.#byCommand.clear();
    this.#sampledCommands = 0;
  }
}
