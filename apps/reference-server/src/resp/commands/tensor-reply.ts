import { elementsOf } from '../../inference/element-type.js';
import type { ServerTensor } from '../../inference/server-tensor.js';
import { ReplyError } from '../reply-error.js';
import type { ReplyWriter } from '../reply-writer.js';
import type { Request } from '../request.js';
import { redisAiTypeName } from './tensor-arguments.js';

/** What `AI.TENSORGET` is to reply. */
export interface TensorFormat {
  readonly meta: boolean;
  readonly data: 'none' | 'blob' | 'values';
}

/**
 * Reads the options of `AI.TENSORGET` from `start` to before `end`; none means META and BLOB.
 *
 * @throws ReplyError in RedisAI's words
 */
export function readTensorFormat(request: Request, start: number, end: number): TensorFormat {
  let meta = start === end;
  let data: TensorFormat['data'] = start === end ? 'blob' : 'none';
  for (let i = start; i < end; i++) {
    if (request.is(i, 'META')) {
      meta = true;
      continue;
    }
    const asked = request.is(i, 'BLOB') ? 'blob' : request.is(i, 'VALUES') ? 'values' : undefined;
    if (asked === undefined) throw new ReplyError('ERR unsupported data format');
    if (data !== 'none' && data !== asked) throw new ReplyError('ERR both BLOB and VALUES specified');
    data = asked;
  }
  return { meta, data };
}

/** Writes a tensor in the format asked for. */
export function replyTensor(reply: ReplyWriter, tensor: ServerTensor, format: TensorFormat): void {
  const typeName = redisAiTypeName(tensor.type);
  if (typeName === undefined) {
    reply.error(`ERR RedisAI has no name for ${tensor.type} tensors`);
    return;
  }
  if (format.meta) {
    reply.array(format.data === 'none' ? 4 : 6);
    reply.bulkLatin1('dtype');
    reply.bulkLatin1(typeName);
    reply.bulkLatin1('shape');
    reply.array(tensor.shape.length);
    for (const extent of tensor.shape) reply.integer(extent);
    if (format.data !== 'none') reply.bulkLatin1(format.data);
  }
  if (format.data === 'blob') reply.bulk(tensor.data);
  else if (format.data === 'values') replyValues(reply, tensor);
}

function replyValues(reply: ReplyWriter, { type, data }: ServerTensor): void {
  const elements = elementsOf(type, data);
  const hasFraction = type === 'float32' || type === 'float64';
  reply.array(elements.length);
  for (const value of elements) {
    if (hasFraction) reply.double(Number(value));
    else reply.integer(value);
  }
}
