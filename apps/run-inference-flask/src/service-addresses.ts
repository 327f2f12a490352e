import { AibenchError } from '@aibench/core';
import { type HttpAddress, parseHttpAddress } from '@aibench/http';
import { tlsChoice } from '@aibench/reference-store';
import type { FlaskFlags } from './flags.js';

/** The flag that names the services, for messages. */
export const hostFlag = '--restapi-host';

/**
 * Where the services are.
 *
 * @throws AIBENCH_USAGE
 */
export function serviceAddresses(values: FlaskFlags): readonly [HttpAddress, ...HttpAddress[]] {
  const options = { flag: hostFlag, defaultPort: 8_000, tls: tlsChoice(values) };
  const [first, ...others] = values.restapiHost.map((text) => parseHttpAddress(text, options));
  if (first === undefined) throw new AibenchError('AIBENCH_USAGE', `${hostFlag} names no service`);
  return [first, ...others];
}
