import type { Tensor } from '@aibench/core';
import type { InferenceRequest, Session, StageTimer } from '@aibench/harness';
import type { ReferenceReader } from '@aibench/redis';
import type { InferenceTask } from '@aibench/usecases';
import type { Channel } from './channel.js';

/** What a session works with. */
export interface TritonSessionOptions {
  readonly channel: Channel;
  readonly references: InferenceTask['references'];
  /** The store of reference data; undefined where the task has none. */
  readonly reader: ReferenceReader | undefined;
}

/** Asks one server, fetching reference data first where the model takes it. */
export class TritonSession implements Session {
  readonly #channel: Channel;
  readonly #references: InferenceTask['references'];
  readonly #reader: ReferenceReader | undefined;

  constructor({ channel, references, reader }: TritonSessionOptions) {
    this.#channel = channel;
    this.#references = references;
    this.#reader = reader;
  }

  async infer({ id, inputs }: InferenceRequest, stages: StageTimer): Promise<readonly Tensor[]> {
    const data = inputs.map((tensor) => tensor.data);
    if (this.#reader !== undefined) {
      data.push(...(await this.#reader.fetchAll(this.#references, id)));
      stages.end('reference');
    }
    const send = this.#channel.encode(data);
    stages.end('encode');
    const read = await send();
    stages.end('wait');
    const outputs = read(id);
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
