import { AibenchError } from '@aibench/core';

/** What a user adds to every request. */
export interface AddedHeaders {
  /** `Name: value`, each as `--header` takes it. */
  readonly lines: readonly string[];
  /** As `--bearer-token` takes it; where it is empty, {@link bearerTokenVariable} counts. */
  readonly bearerToken: string;
}

/** The environment variable that a token may come in: a command line stands in the list of processes. */
export const bearerTokenVariable = 'AIBENCH_BEARER_TOKEN';

/** What the client and the body's template write themselves, and what the measurement relies on. */
const ownHeaders = new Set([
  ...['host', 'content-length', 'content-type', 'content-encoding', 'transfer-encoding', 'connection'],
  ...['expect', 'upgrade', 'te', 'trailer', 'keep-alive', 'accept-encoding'],
]);

/**
 * The headers that a user adds to every request, by their names in lower case.
 *
 * @throws AIBENCH_USAGE naming the flag, without what may be a secret
 */
export function requestHeaders({ lines, bearerToken }: AddedHeaders): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const [, name = '', value = ''] = /^\s*([!#$%&'*+.^_`|~\w-]+)\s*:(.*)$/s.exec(line) ?? [];
    if (name === '') throw usage('--header: what was given is no header', "write it --header 'Name: value'");
    const key = name.toLowerCase();
    if (ownHeaders.has(key)) throw usage(`--header: ${name} is written by the client itself`);
    if (key in headers) throw usage(`--header: ${name} is given twice`);
    headers[key] = headerValue(value, `--header: the value of ${name}`);
  }
  const fromEnvironment = bearerToken === '';
  const token = fromEnvironment ? (process.env[bearerTokenVariable] ?? '') : bearerToken;
  if (token === '') return headers;
  if ('authorization' in headers) {
    throw usage('the header Authorization and a bearer token are two logins', 'keep one of them');
  }
  const where = fromEnvironment ? bearerTokenVariable : '--bearer-token';
  headers['authorization'] = `Bearer ${headerValue(token, `${where}: the token`)}`;
  return headers;
}

/** Printable ASCII and tabs, which every server takes (RFC 9110, section 5.5). */
function headerValue(text: string, what: string): string {
  const value = text.trim();
  if (!/[^\t\x20-\x7e]/.test(value)) return value;
  throw usage(`${what} has characters in it that a header cannot have`);
}

function usage(message: string, hint?: string): AibenchError {
  return new AibenchError('AIBENCH_USAGE', message, { hint });
}
