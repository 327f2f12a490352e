import type { Tensor } from '@aibench/core';
import type { InferenceRequest, InferenceTask } from '@aibench/usecases';
import type { FlagSet, FlagValues } from './cli/flags.js';
import type { StageTimer } from './engine/stages.js';

/**
 * What a server package exports as `runner`: how to ask one kind of model
 * server. It sees named tensors, never rows; the engine owns the clock, the
 * counts, retries, output and exit codes. Worker threads import the module by
 * its URL, so importing it must have no side effects.
 */
export interface Runner<F extends FlagSet = FlagSet> {
  /** The server's token, as in folder, package and binary: `redisai`. */
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  /** The server's own flags, beside those that every runner has. */
  readonly flags: F;
  /** Command lines for the end of `--help`, that can be pasted. Default: none. */
  readonly examples?: readonly string[];
  /**
   * Checks the flags' combination, once, before anything is opened.
   *
   * @throws AIBENCH_USAGE
   */
  validate?(flags: FlagValues<F>): void;
  /**
   * Asks the server who it is and whether the model is there, once, before the
   * load starts. Every session gets the result.
   *
   * @throws AIBENCH_CONNECTION, AIBENCH_SERVER with the server's address in the message
   */
  describeServer(context: RunnerContext<F>): Promise<ServerDescription>;
  /**
   * How long {@link describeServer} may wait for a server that is still starting,
   * ms, beside the time that asking takes. Default: not at all.
   */
  readyLimitMs?(flags: FlagValues<F>): number;
  /** Opens one session. Called once a worker, in the worker's thread. */
  connect(context: SessionContext<F>): Promise<Session>;
  /**
   * Starts a server on this machine that speaks the same protocol and answers at
   * once, whatever model is asked and whatever reference data, for `--calibrate`.
   * Default: there is none, and `--calibrate` is refused.
   *
   * @throws AIBENCH_USAGE where it is not installed, telling how to install it
   */
  startNullServer?(context: RunnerContext<F>): Promise<NullServer<F>>;
  /** The server's own statistics, once a period, in the main thread. Default, and undefined: none are kept. */
  openServerStats?(context: RunnerContext<F>): Promise<ServerStatsReader | undefined>;
}

/** A server that answers at once with nothing in it: what is measured against it is the client. */
export interface NullServer<F extends FlagSet = FlagSet> {
  /** Values of the runner's flags that lead to it; the others stay as the user gave them. */
  readonly flags: Partial<FlagValues<F>>;
  /** Ends it. It ends by itself where this process is killed. */
  stop(): Promise<void>;
}

/** What a runner knows of the run. */
export interface RunnerContext<F extends FlagSet = FlagSet> {
  readonly flags: FlagValues<F>;
  readonly task: InferenceTask;
  /** How long an answer may take, ms: `--request-timeout`, which the engine keeps; for protocols that tell the server. */
  readonly requestTimeoutMs: number;
  /** Aborted when the run is stopped at once. */
  readonly signal: AbortSignal;
}

/** What a session knows besides. */
export interface SessionContext<F extends FlagSet = FlagSet> extends RunnerContext<F> {
  readonly server: ServerDescription;
  /** 0 to workers - 1, over all threads: for spreading sessions over hosts. */
  readonly worker: number;
  /** Workers over all threads. */
  readonly workers: number;
}

/** Who answers. Plain data: it crosses threads and stands in the result. */
export interface ServerDescription {
  /** What the server calls itself: `RedisAI`, `aibench-reference-server`. */
  readonly product: string;
  /** Its version, or `unknown`. */
  readonly version: string;
  /** True where it is the embedded reference server, which reports label. */
  readonly isReference: boolean;
  /** Addresses, model, back end, thread settings: whatever it tells. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

/** One connection's worth of a runner. */
export interface Session {
  /**
   * One inference. The engine's clock runs from before this call until the
   * promise settles, so the answer must be tensors in memory by then.
   *
   * @param stages told at the end of each part of the work: `stages.end('encode')`
   * @throws any error; an AibenchError's code is the kind it is counted under
   */
  infer(request: InferenceRequest, stages: StageTimer): Promise<readonly Tensor[]>;
  /** Bytes given to its socket that the kernel has not taken yet; told where it has one of its own. Default: unknown. */
  backlogBytes?(): number;
  /** Closes the connection; pending answers may be lost. */
  close(): Promise<void>;
}

/** Reads a server's own statistics. */
export interface ServerStatsReader {
  /** One flat map for each `host:port`. */
  read(): Promise<Readonly<Record<string, Readonly<Record<string, string | number>>>>>;
  close(): Promise<void>;
}
