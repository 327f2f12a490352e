import { answerText, type RedisConnection, type RedisReply, replyText } from '@aibench/redis';
import { missingModel } from './read-answer.js';

/** What a server tells of a model that it holds. */
export interface StoredModel {
  /** Back end, `TF` or `ONNX`. */
  readonly backend: string;
  /** `CPU`, `GPU`, `GPU:1`. */
  readonly device: string;
  readonly tag: string;
  /** Most rows that the server joins in one run; 0 where it does not batch. */
  readonly batchSize: number;
  readonly minBatchSize: number;
  /** In ms. */
  readonly minBatchTimeoutMs: number;
}

/**
 * Asks for a model, by `AI.MODELGET <model> META`.
 *
 * @throws AIBENCH_MISSING_KEY when there is none under that key, AIBENCH_SERVER, AIBENCH_CONNECTION
 */
export async function describeModel(connection: RedisConnection, model: string): Promise<StoredModel> {
  let reply: RedisReply;
  try {
    reply = await connection.call('AI.MODELGET', model, 'META');
  } catch (error) {
    if (/\bmodel key is empty/i.test(answerText(error) ?? '')) {
      throw missingModel(connection.address, model, error);
    }
    throw error;
  }
  const fields = replyFields(reply);
  const integer = (name: string) => Number(fields.get(name) ?? 0);
  return {
    backend: fields.get('backend') ?? '',
    device: fields.get('device') ?? '',
    tag: fields.get('tag') ?? '',
    batchSize: integer('batchsize'),
    minBatchSize: integer('minbatchsize'),
    minBatchTimeoutMs: integer('minbatchtimeout'),
  };
}

/** A reply of alternating names and values as a map; names in lower case, lists left out. */
export function replyFields(reply: RedisReply): ReadonlyMap<string, string> {
  const list: readonly RedisReply[] = Array.isArray(reply) ? reply : [];
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < list.length; i += 2) {
    const value = list[i + 1];
    if (!Array.isArray(value)) fields.set(replyText(list[i]).toLowerCase(), replyText(value));
  }
  return fields;
}
