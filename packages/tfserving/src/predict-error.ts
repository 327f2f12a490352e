import { AibenchError } from '@aibench/core';

const hints: Readonly<Record<string, string>> = {
  NOT_FOUND: 'is the model still there? see --model and --model-version',
  INVALID_ARGUMENT: 'is this the right model? see --model and --enable-reference-data-redis',
  RESOURCE_EXHAUSTED: "the request is above the server's limit for messages, or its queue or memory is full",
};

/**
 * A failed Predict in the suite's terms: it names the row, and helps where the status tells what is wrong. Errors that
 * are not the server's answer stay as they are.
 *
 * @param address `host:port`
 */
export function predictError(address: string, error: unknown, requestId: number): unknown {
  if (!(error instanceof AibenchError)) return error;
  const { code, status, message, hint } = error;
  const isAnswer = code === 'AIBENCH_SERVER' || code === 'AIBENCH_ANSWER';
  if (!isAnswer) return error;
  const said = message.startsWith(`${address} answered `)
    ? message.slice(`${address} answered `.length)
    : message;
  return new AibenchError(code, `${address} answered for row ${requestId}: ${said}`, {
    hint: hints[status ?? ''] ?? hint,
    status,
    cause: error,
  });
}
