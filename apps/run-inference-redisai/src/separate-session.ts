import type { Tensor } from '@aibench/core';
import type { InferenceRequest, Session, StageTimer } from '@aibench/harness';
import { encodeCommand, type RedisReply } from '@aibench/redis';
import { type AnswerContext, inferenceError, readAnswer, type SeparateCommands } from '@aibench/redisai';
import type { Channel } from './channel.js';
import type { Leftovers } from './leftovers.js';

/** What a session of separate commands works with. */
export interface SeparateOptions extends AnswerContext {
  readonly channel: Channel;
  readonly commands: SeparateCommands;
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

  async infer({ id, inputs }: InferenceRequest, stages: StageTimer): Promise<readonly Tensor[]> {
    const { commands, channel } = this.#options;
    const wire = commands.sets.map((command, i) => command.encode(id, [inputs[i]!.data]));
    wire.push(commands.run.encode(id));
    for (const command of commands.gets) wire.push(command.encode(id));
    stages.end('encode');
    let replies: RedisReply[];
    this.#isOut = true;
    try {
      replies = await channel.sendAll(wire);
    } catch (error) {
      throw inferenceError(this.#options, error, id);
    } finally {
      this.#isOut = false;
    }
    stages.end('wait');
    const outputs = readAnswer(this.#options, replies, id);
    stages.end('decode');
    return outputs;
  }

  backlogBytes(): number {
    return this.#options.channel.backlogBytes?.() ?? 0;
  }

  /** Deletes the session's tensors first, and those of others that could not, where the server still listens. */
  async close(): Promise<void> {
    const { channel, commands, leftovers, address } = this.#options;
    const keys = [...commands.ownKeys, ...leftovers.take(address)];
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
