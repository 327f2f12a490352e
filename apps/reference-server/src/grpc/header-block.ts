/**
 * A header field as HPACK's literal without indexing (RFC 7541, section 6.2.2):
 * it changes no table, so it can be written once and sent any number of times.
 */
export function literalField(name: string, value: string | number): Buffer {
  return Buffer.concat([Buffer.of(0), literalString(name), literalString(String(value))]);
}

/** A string without Huffman coding (section 5.2). */
function literalString(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const prefix: number[] = [];
  let rest = bytes.length;
  if (rest < 127) prefix.push(rest);
  else {
    prefix.push(127);
    for (rest -= 127; rest >= 128; rest >>>= 7) prefix.push((rest & 127) | 128);
    prefix.push(rest);
  }
  return Buffer.concat([Buffer.from(prefix), bytes]);
}

/** `:status: 200`, which has an index (RFC 7541, appendix A). */
export const status200: Buffer = Buffer.of(0x88);
