import type { ByRowCount, MessageBytes, Tensor } from '@aibench/core';
import type { InferenceRequest, Session, StageTimer } from '@aibench/harness';
import { encodeCommand, type RedisReply } from '@aibench/redis';
import { type AnswerContext, inferenceError, readAnswer, type SeparateCommands } from '@aibench/redisai';
import type { Channel } from './channel.js';
import type { Leftovers } from './leftovers.js';

/** How a request of some rows is written. */
export interface SeparateForm extends AnswerContext {
  readonly commands: SeparateCommands;
}

/** What a session of separate commands works with. */
export interface SeparateOptions {
  readonly channel: Channel;
  readonly forms: ByRowCount<SeparateForm>;
  /** Keys that the commands write. */
  readonly ownKeys: readonly string[];
  /** Those of the thread. */
  readonly leftovers: Leftovers;
}

/** How long a session that ends waits until its tensors are deleted. */
const deleteLimitMs = 1_000;

/** Asks with a command for each step, all of them in one write. */
export class SeparateSession implements Session {
  readonly #options: SeparateOptions;
  /** Whether an answer is still to come. */
  #isOut = false;

  constructor(options: SeparateOptions) {
    this.#options = options;
  }

  async infer({ id, inputs, rowCount }: InferenceRequest, stages: StageTimer): Promise<readonly Tensor[]> {
    const { forms, channel } = this.#options;
    const form = forms.get(rowCount);
    const { commands } = form;
    const wire: MessageBytes[] = commands.sets.map((command, i) => command.wire(id, [inputs[i]!.data]));
    wire.push(commands.run.encode(id));
    for (const command of commands.gets) wire.push(command.encode(id));
    stages.end('encode');
    let replies: RedisReply[];
    this.#isOut = true;
    try {
      replies = await channel.sendAll(wire);
    } catch (error) {
      throw inferenceError(form, error, id);
    } finally {
      this.#isOut = false;
    }
    stages.end('wait');
    const outputs = readAnswer(form, replies, id);
    stages.end('decode');
    return outputs;
  }

  backlogBytes(): number {
    return this.#options.channel.backlogBytes?.() ?? 0;
  }

  /** Deletes the session's tensors first, and those of others that could not, where the server still listens. */
  async close(): Promise<void> {
    const { channel, leftovers, ownKeys } = this.#options;
    const { address } = channel;
    const keys = [...ownKeys, ...leftovers.take(address)];
    const limit = setTimeout(() => void channel.close(), deleteLimitMs);
    try {
      if (this.#isOut) throw new Error('the server has not answered yet');
      // One by one, since in a cluster their slots may differ.
      await channel.sendAll(keys.map((key) => encodeCommand(['DEL', key])));
    } catch {
      leftovers.add(address, keys);
    }
    clearTimeout(limit);
    await channel.close();
  }
}
