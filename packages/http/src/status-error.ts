import { AibenchError } from '@aibench/core';
import type { HttpAnswer } from './http-client.js';

/**
 * The error for a status that is no success: the server's own words, where it
 * gave any, the start of its answer otherwise; for a redirect, where it leads.
 *
 * @param hint what helps. Default: none, but for statuses that explain themselves
 */
export function statusError(
  address: string,
  { status, headers, body }: HttpAnswer,
  hint?: string,
): AibenchError {
  const { location } = headers;
  if (status >= 300 && status < 400 && typeof location === 'string') {
    return new AibenchError(
      'AIBENCH_SERVER',
      `${address} answered ${status}, a redirect to ${shortened(location)}, which is not followed`,
      { status: String(status), hint: 'ask that address itself' },
    );
  }
  const words = shortened(ownWords(body.toString('utf8', 0, 1_000)));
  return new AibenchError(
    'AIBENCH_SERVER',
    `${address} answered ${status}${words === '' ? '' : `: ${words}`}`,
    {
      status: String(status),
      hint: status === 413 ? 'the message is larger than the server takes' : hint,
    },
  );
}

/** What a JSON answer tells in words: Triton's and Flask's `error`, TorchServe's `message`. */
function ownWords(text: string): string {
  try {
    const { error, message } = JSON.parse(text) as { readonly error?: unknown; readonly message?: unknown };
    if (typeof error === 'string') return error;
    if (typeof message === 'string') return message;
  } catch {
    // Other servers, and proxies, answer in text or HTML.
  }
  return text;
}

function shortened(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ').slice(0, 200);
}
