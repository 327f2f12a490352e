import { replyErrors } from '../reply-error.js';
import type { Request } from '../request.js';
import { requireInteger } from './options.js';

/** What follows `SET key value`. */
export interface SetOptions {
  readonly when: 'always' | 'absent' | 'present';
  /** Whether the old string is the reply. */
  readonly get: boolean;
  readonly keepExpiry: boolean;
  /** In ms since 1970; undefined: none was given. */
  readonly expiresAtMs: number | undefined;
}

/** Units of `SET`'s options for expiry in ms, and whether they count from 1970. */
const expiryOptions = {
  EX: { unitMs: 1_000, isAbsolute: false },
  PX: { unitMs: 1, isAbsolute: false },
  EXAT: { unitMs: 1_000, isAbsolute: true },
  PXAT: { unitMs: 1, isAbsolute: true },
} as const;

/** @throws ReplyError for options that Redis does not know or does not put together */
export function readSetOptions(request: Request): SetOptions {
  let when: SetOptions['when'] = 'always';
  let get = false;
  let keepExpiry = false;
  let expiresAtMs: number | undefined;
  for (let i = 3; i < request.length; i++) {
    const expiry = Object.entries(expiryOptions).find(([name]) => request.is(i, name))?.[1];
    if (request.is(i, 'NX') && when !== 'present') when = 'absent';
    else if (request.is(i, 'XX') && when !== 'absent') when = 'present';
    else if (request.is(i, 'GET')) get = true;
    else if (request.is(i, 'KEEPTTL') && expiresAtMs === undefined) keepExpiry = true;
    else if (expiry !== undefined && i + 1 < request.length && !keepExpiry && expiresAtMs === undefined) {
      expiresAtMs = expiryTime(request, ++i, expiry.unitMs, 'set', expiry.isAbsolute);
    } else throw replyErrors.syntax();
  }
  return { when, get, keepExpiry, expiresAtMs };
}

/**
 * When a key expires, in ms since 1970, from an argument that must be positive.
 *
 * @param isAbsolute whether the argument counts from 1970; default: from now
 * @throws ReplyError when it is no whole number, or not positive
 */
export function expiryTime(
  request: Request,
  index: number,
  unitMs: number,
  command: string,
  isAbsolute = false,
): number {
  const value = requireInteger(request, index);
  const atMs = value * unitMs + (isAbsolute ? 0 : Date.now());
  if (value <= 0 || atMs > Number.MAX_SAFE_INTEGER) throw replyErrors.invalidExpiry(command);
  return atMs;
}
