import { AibenchError } from '@aibench/core';
import type { HttpRequestHead } from './http-client.js';

/** Fields that tell how a message is cut out of the connection, or what becomes of that; a client sends its own. */
const own = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Sees that a request's head can be sent, and is no more than one head.
 *
 * @throws AIBENCH_USAGE saying what is wrong; the message has no field's value in it, which may be a secret
 */
export function checkRequestHead({ method, path, headers = {} }: HttpRequestHead): void {
  const refuse = (message: string) => {
    throw new AibenchError('AIBENCH_USAGE', message);
  };
  if (!/^\/[\x21-\x7e]*$/.test(path)) refuse(`"${path}" is no path of ${method}: it is written /path?query`);
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name)) refuse(`"${name}" is no name of a header field`);
    if (own.has(name)) refuse(`the header field ${name} is the client's own`);
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      refuse(`the header field ${name} has a character that cannot be sent`);
    }
  }
}
