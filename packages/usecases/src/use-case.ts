import type { RowLayout, Tensor, TensorSpec } from '@aibench/core';
import type { Graph } from '@aibench/models';

/**
 * A use case: what the rows of its data files mean. It is all that the suite
 * knows about a kind of data; one folder under `src/` exports one of these as
 * `useCase`, and is found by its folder's name.
 */
export interface UseCase {
  /** The folder's name, the value of `--use-case`. */
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  /** What rows are, in the plural, for people: `images`. */
  readonly rowNoun: string;
  /** What it draws where the user gives no input, as it completes `drawing ..`. */
  readonly drawn: string;
  /** Its own options, beside those of every use case. Default: none. */
  readonly options?: readonly UseCaseOption[];
  /** The option that names its input; without one, that is `--input-file`. */
  readonly inputOption?: string;
  /** The values of those options that change what a row is, all of them. Default: none. */
  readonly settings?: OptionValues;
  /**
   * The same use case with rows of another form; only where it has {@link settings}.
   *
   * @param settings those that are left out are as they are here
   * @throws AIBENCH_USAGE naming the option, for a value that it doesn't take or one that another excludes
   */
  withSettings?(settings: OptionValues): UseCase;
  /**
   * Whether right answers take so long to compute that they are computed once and stored beside the data, for
   * `--verify`. Default false: they are computed from the rows while a server is asked.
   */
  readonly storesAnswers?: boolean;
  /** The row of a data file. */
  readonly row: RowLayout;
  /** What each row contributes to the reference store: what `aibench-load-data` writes. */
  readonly references: readonly ReferenceSpec[];
  /** Rows to generate, from the user's input or drawn by a seeded model of it. */
  openSource(options: SourceOptions): Promise<RowSource>;
  /**
   * The question put to a model server for each row, or for several rows that lie behind one another.
   *
   * @throws AIBENCH_USAGE where a request cannot have that many rows
   */
  task(options: TaskOptions): InferenceTask;
}

/** Values of options, by the names of the options. */
export type OptionValues = Readonly<Record<string, string | number>>;

/** Something that a user may choose of a use case: as data, which programs make their flags of. */
export interface UseCaseOption {
  /** In kebab-case, without dashes before it. */
  readonly name: string;
  /** One sentence without a full stop; units named. */
  readonly describe: string;
  /** What stands for the value in help. Default: as the kind has it. */
  readonly placeholder?: string;
  /** Whether it changes what a row is, so that whoever reads the data has to know it. */
  readonly isSetting: boolean;
  /** What values it takes, and the one that it has where the user gives none. */
  readonly value:
    | { readonly kind: 'text'; readonly default: string }
    | { readonly kind: 'integer'; readonly default: number; readonly min?: number; readonly max?: number }
    | { readonly kind: 'choice'; readonly default: string; readonly choices: readonly string[] };
}

/** A tensor of a row that lies in the reference store before the benchmark begins. */
export interface ReferenceSpec extends TensorSpec {
  /** Shape under which `AI.TENSORSET` stores it, where RedisAI's convention differs from the model's. */
  readonly storedShape: readonly number[];
  /** Key of the raw bytes, read by runners of servers that don't hold the data themselves. */
  blobKey(rowId: number): string;
  /** Key of the same bytes as a RedisAI tensor. */
  tensorKey(rowId: number): string;
  /** The tensor in a row, as a view. */
  read(row: Uint8Array): Tensor;
}

/** How a use case is asked. */
export interface TaskOptions {
  /** Whether the model also gets the row's reference data, from the store. */
  readonly withReference: boolean;
  /** Rows of one request, whose tensors are one. Default 1. */
  readonly batchSize?: number;
  /**
   * The right answers of all rows, where somebody has computed them before; see `aibench-generate-data
   * --with-expected`. Default: they are computed here, row by row.
   */
  readonly expected?: StoredAnswers | undefined;
}

/** The right answers of a data file's rows, in order. */
export interface StoredAnswers {
  /**
   * Those of some rows that lie behind one another, as bytes of the model's output tensors.
   *
   * @throws AIBENCH_INPUT where there are none
   */
  read(firstRow: number, rowCount: number): Uint8Array;
}

/** One question for a model server: its tensors, its model, its right answers. Deterministic. */
export interface InferenceTask {
  /** Whether a request may have any number of rows, so that the model's outermost extents are open. */
  readonly hasBatches: boolean;
  /** Rows of one request, as it was asked for. */
  readonly batchSize: number;
  /** Name under which the model is set up where the user gives none. */
  readonly defaultModelName: string;
  /** Tensors that the client sends, in the model's input order. */
  readonly inputs: readonly InputSpec[];
  /** Reference tensors that the server or the client fetches; the model's inputs after {@link inputs}. */
  readonly references: readonly ReferenceSpec[];
  /** Tensors that the model answers, in order. */
  readonly outputs: readonly InputSpec[];
  /** Largest difference between a right answer and the expected one, per element. */
  readonly tolerance: number;
  /**
   * Whether the largest elements of both answers must also be the same, as where they are the scores of classes.
   * Default false.
   */
  readonly checkTop?: boolean;
  /**
   * Turns the rows of one request into what a runner sends. Views on the rows' bytes, no copies.
   *
   * @param rows a batch of whole rows; at the end of the data there may be fewer
   * @param firstRow place of the first of them in the data, from 0. Default 0
   */
  readRequest(rows: Uint8Array, firstRow?: number): InferenceRequest;
  /** The right answer for such rows. */
  expectedOutputs(rows: Uint8Array, firstRow?: number): Tensor[];
  /** The model as a graph, weights and normalisation included, ready to be written for a server. */
  graph(): Graph;
  /**
   * The same question for a model that somebody has trained: its weights in the network that {@link graph} describes,
   * and the answers that it gives. Default: a trained model is only passed on to a server as it is.
   *
   * @param file an ONNX file, a GraphDef or the `saved_model.pb` of a SavedModel, frozen
   * @throws AIBENCH_INPUT where it cannot be read, or is another network
   */
  importModel?(file: Uint8Array): InferenceTask;
}

/** A tensor that crosses the wire under a key of its own, where the server is RedisAI. */
export interface InputSpec extends TensorSpec {
  /** RedisAI keys of such tensors are `<keyPrefix>:{<row id>}`. */
  readonly keyPrefix: string;
}

/** One inference as a runner sees it: named tensors, never rows. */
export interface InferenceRequest {
  /** The row's id, or that of the first row of a batch; keys in the store are made from it. */
  readonly id: number;
  /** Rows of this request: those of a batch, or fewer at the end of the data. */
  readonly rowCount: number;
  /** What the client sends, in the order of {@link InferenceTask.inputs}. Valid until the answer is in. */
  readonly inputs: readonly Tensor[];
}

/** What `aibench-generate-data` was told. */
export interface SourceOptions {
  /** The user's input (a file or a folder), or undefined to draw rows from the seeded model of it. */
  readonly inputPath: string | undefined;
  /** Integer; the same seed gives the same bytes. */
  readonly seed: number;
  /** Rows asked for; 0 is one pass over the input. */
  readonly rowLimit: number;
  /** Worker threads that make rows; 0 makes them in the calling thread. */
  readonly threads: number;
  /** Rows whose id is `groupId` modulo `groupCount` are made, the others left out. */
  readonly groupId: number;
  readonly groupCount: number;
  /** Values of the use case's own options, except its input and its settings. Default: each its own default. */
  readonly values?: OptionValues;
  /** Told of each part of the input that is left out: what it is called, and why. Default: nobody is told. */
  readonly onLeftOut?: (name: string, reason: string) => void;
}

/** How much of an input has been read. */
export interface SourceProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** A stream of rows in order of their ids. */
export interface RowSource {
  /** What the rows are made from, for the manifest: `synthetic` or the input's path. */
  readonly description: string;
  /** Rows that will come, at most, or undefined where only the end of the input tells. */
  readonly rowCount: number | undefined;
  /** How far the input has been read, where {@link rowCount} is unknown and the input's size is known. */
  progress(): SourceProgress | undefined;
  /**
   * Whole rows, many at a time; to be called once. A chunk is valid until the next one is asked for.
   *
   * @throws AIBENCH_INPUT naming file and line where the input is not of the stated form
   */
  chunks(): AsyncIterable<Uint8Array>;
  /** Stops threads and closes files; may be called at any time, more than once. */
  close(): Promise<void>;
}
