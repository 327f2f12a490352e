import { ReplyError, replyErrors } from '../reply-error.js';
import type { Request } from '../request.js';

/**
 * A whole number among the arguments.
 *
 * @throws ReplyError in Redis's words when it is none, or beyond ±(2^53 - 1)
 */
export function requireInteger(request: Request, index: number): number {
  const value = request.integer(index);
  if (value === undefined) throw replyErrors.notInteger();
  return value;
}

/**
 * A count that must not be negative.
 *
 * @throws ReplyError with the given message
 */
export function requireCount(request: Request, index: number, message: string): number {
  const value = request.integer(index);
  if (value === undefined || value < 0) throw new ReplyError(message);
  return value;
}
