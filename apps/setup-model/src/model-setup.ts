import type { Tensor } from '@aibench/core';
import type { FlagSet, FlagValues } from '@aibench/harness/cli';
import type { InferenceRequest, InferenceTask } from '@aibench/usecases';

/**
 * What a file in `servers/` exports as `modelSetup`: how a model gets to one
 * kind of server. The file's name is the value of `--server`.
 */
export interface ModelSetup<F extends FlagSet = FlagSet> {
  /** The server's own flags, beside those for all servers. */
  readonly flags: F;
  /** Command lines for the end of help, that can be pasted. Default: none. */
  readonly examples?: readonly string[];
  /**
   * The model in the form that the server loads.
   *
   * @param folder where the files go, an absolute path; what lies there already may matter
   * @throws AIBENCH_USAGE where the flags do not go together
   */
  modelFiles(context: SetupContext<F>, folder: string): readonly ModelFile[] | Promise<readonly ModelFile[]>;
  /**
   * Puts the model on every server, one after another, and asks each the probe.
   *
   * @throws AIBENCH_CONNECTION, AIBENCH_SERVER naming the server
   */
  install(context: SetupContext<F>): AsyncIterable<InstalledModel>;
}

/** What a set-up has to work with. */
export interface SetupContext<F extends FlagSet = FlagSet> {
  readonly flags: FlagValues<F>;
  readonly task: InferenceTask;
  readonly modelName: string;
  /** The user's own model; undefined where it is the suite's. */
  readonly ownModel: OwnModel | undefined;
  readonly probe: Probe;
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
}

/** A model file of the user's. */
export interface OwnModel {
  readonly path: string;
  /** Not empty. */
  readonly bytes: Uint8Array;
}

/** A file of a model. */
export interface ModelFile {
  /** Where it goes, relative to the output folder. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** One question, to see that a model answers. */
export interface Probe {
  /** The row that it is made from. */
  readonly row: Uint8Array;
  readonly request: InferenceRequest;
  /** The row's reference tensors, in the order of the task's references. */
  readonly references: readonly Tensor[];
}

/** A model that has answered. */
export interface InstalledModel {
  /** `host:port`. */
  readonly address: string;
  /** `RedisAI 1.2.7`. */
  readonly server: string;
  /** What was stored there, for people: `financialNet, TF on CPU, 33,123 bytes`. */
  readonly description: string;
  /** The answer to the probe, in the order of the task's outputs. */
  readonly answer: readonly Tensor[];
}
