/**
 * A command as the Redis serialization protocol (RESP2) frames it: an array of
 * bulk strings. Strings are encoded as UTF-8, numbers in decimal.
 */
export function encodeCommand(args: readonly (string | number | Uint8Array)[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = typeof arg === 'object' ? arg : Buffer.from(String(arg));
    parts.push(Buffer.from(`$${bytes.byteLength}\r\n`), bytes, crlf);
  }
  return Buffer.concat(parts);
}

const crlf = Buffer.from('\r\n');
