import { AibenchError } from '@aibench/core';
import type { HttpAnswer } from './http-client.js';

/** The error for a status that is no success: the server's own words, where it gave any. */
export function statusError(address: string, { status, body }: HttpAnswer): AibenchError {
  let words = body.toString('utf8', 0, 1_000).trim();
  try {
    const { error, message } = JSON.parse(words) as { readonly error?: unknown; readonly message?: unknown };
    const said = error ?? message;
    if (typeof said === 'string') words = said;
  } catch {
    // Other servers, and proxies, answer in text or HTML.
  }
  const told = words === '' ? '' : `: ${words.replaceAll(/\s+/g, ' ').slice(0, 200)}`;
  return new AibenchError('AIBENCH_SERVER', `${address} answered ${status}${told}`, {
    status: String(status),
    hint: status === 413 ? 'the message is larger than the server takes' : undefined,
  });
}
