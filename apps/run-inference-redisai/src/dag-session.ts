import type { Tensor } from '@aibench/core';
import type { InferenceRequest, Session, StageTimer } from '@aibench/harness';
import type { CommandTemplate, RedisReply } from '@aibench/redis';
import { type AnswerContext, inferenceError, readAnswer } from '@aibench/redisai';
import type { Channel } from './channel.js';

/** Where a request goes, and how it is written there. */
export interface DagTarget extends AnswerContext {
  readonly channel: Channel;
  readonly command: CommandTemplate;
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

  async infer({ id, inputs }: InferenceRequest, stages: StageTimer): Promise<readonly Tensor[]> {
    const target = this.#targetOf(id);
    const command = target.command.encode(
      id,
      inputs.map(({ data }) => data),
    );
    stages.end('encode');
    let reply: RedisReply;
    try {
      reply = await target.channel.send(command);
    } catch (error) {
      throw inferenceError(target, error, id);
    }
    stages.end('wait');
    const outputs = readAnswer(target, reply, id);
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
