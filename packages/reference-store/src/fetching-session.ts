import type { Tensor } from '@aibench/core';
import type { InferenceRequest, InferenceTask, Session, StageTimer } from '@aibench/harness';
import type { ReferenceReader } from '@aibench/redis';

/** A way to one server for one worker's inferences, of which one is out at a time. */
export interface Channel {
  /**
   * Makes a request of the tensors' bytes.
   *
   * @param data of each tensor: what the client has, then the reference data, in the order of the task
   * @param request whose they are: its id is for messages, and its rows are how many the tensors have
   * @throws AIBENCH_INPUT where one has the wrong size
   */
  encode(data: readonly Uint8Array[], request: Pick<InferenceRequest, 'id' | 'rowCount'>): SendRequest;
  /** Bytes sent that the kernel has not taken yet; undefined where that is not known. */
  backlogBytes(): number | undefined;
  /** Gives the connection up; a request that is out fails. */
  close(): Promise<void>;
}

/** Sends a request that is encoded, and gives what reads its answer. @throws any error; an AibenchError tells its kind */
export type SendRequest = () => Promise<ReadAnswer>;

/** Makes tensors of an answer. @throws AIBENCH_ANSWER, AIBENCH_SERVER */
export type ReadAnswer = () => readonly Tensor[];

/** What a session works with. */
export interface FetchingSessionOptions {
  readonly channel: Channel;
  readonly references: InferenceTask['references'];
  /** The store of reference data; undefined where the task has none. */
  readonly reader: ReferenceReader | undefined;
}

/** Asks one server, fetching reference data first where the model takes it; each part is a stage of its own. */
export class FetchingSession implements Session {
  readonly #channel: Channel;
  readonly #references: InferenceTask['references'];
  readonly #reader: ReferenceReader | undefined;

  constructor({ channel, references, reader }: FetchingSessionOptions) {
    this.#channel = channel;
    this.#references = references;
    this.#reader = reader;
  }

  async infer(request: InferenceRequest, stages: StageTimer): Promise<readonly Tensor[]> {
    const data = request.inputs.map((tensor) => tensor.data);
    if (this.#reader !== undefined) {
      data.push(...(await this.#reader.fetchAll(this.#references, request.id)));
      stages.end('reference');
    }
    const send = this.#channel.encode(data, request);
    stages.end('encode');
    const read = await send();
    stages.end('wait');
    const outputs = read();
    stages.end('decode');
    return outputs;
  }

  backlogBytes(): number {
    return this.#channel.backlogBytes() ?? 0;
  }

  async close(): Promise<void> {
    await Promise.all([this.#channel.close(), this.#reader?.close()]);
  }
}
