import type { ByRowCount, Tensor } from '@aibench/core';
import type { InferenceRequest, Session, StageTimer } from '@aibench/harness';
import type { CommandTemplate, RedisReply } from '@aibench/redis';
import { type AnswerContext, inferenceError, readAnswer } from '@aibench/redisai';
import type { Channel } from './channel.js';

/** How a request of some rows is written for a server. */
export interface DagForm extends AnswerContext {
  readonly command: CommandTemplate;
}

/** Where a request goes, and how it is written there. */
export interface DagTarget {
  readonly channel: Channel;
  readonly forms: ByRowCount<DagForm>;
}

/** Asks with one command for each inference; nothing of it stays in the store. */
export class DagSession implements Session {
  readonly #targetOf: (requestId: number) => DagTarget;
  readonly #channels: readonly Channel[];

  /**
   * @param targetOf which server a row is asked of
   * @param channels the session's channels, to all of them
   */
  constructor(targetOf: (requestId: number) => DagTarget, channels: readonly Channel[]) {
    this.#targetOf = targetOf;
    this.#channels = channels;
  }

  async infer({ id, inputs, rowCount }: InferenceRequest, stages: StageTimer): Promise<readonly Tensor[]> {
    const { channel, forms } = this.#targetOf(id);
    const form = forms.get(rowCount);
    const command = form.command.wire(
      id,
      inputs.map(({ data }) => data),
    );
    stages.end('encode');
    let reply: RedisReply;
    try {
      reply = await channel.send(command);
    } catch (error) {
      throw inferenceError(form, error, id);
    }
    stages.end('wait');
    const outputs = readAnswer(form, reply, id);
    stages.end('decode');
    return outputs;
  }

  backlogBytes(): number {
    return this.#channels.reduce((sum, channel) => sum + (channel.backlogBytes?.() ?? 0), 0);
  }

  async close(): Promise<void> {
    await Promise.all(this.#channels.map((channel) => channel.close()));
  }
}
