import { Http2Error } from './http2-protocol.js';

/**
 * How many bits the code of each octet has, and of the end of a string as the
 * 257th (RFC 7541, appendix B). The code is canonical: codes of one length
 * follow each other in the order of their octets, and those of the next length
 * begin after the last. So the lengths say it all.
 */
const codeLengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];
const longestCode = 30;
const endOfString = 256;

/** Octets in the order of their codes. */
const octets = [...codeLengths.keys()].sort((a, b) => codeLengths[a]! - codeLengths[b]! || a - b);

/** For each length: its first code, and where in `octets` it begins; and the first code of a longer one, in 30 bits. */
const firstCode = new Uint32Array(longestCode + 1);
const firstOctet = new Uint16Array(longestCode + 1);
const codesEnd = new Uint32Array(longestCode + 1);
{
  let code = 0;
  let octet = 0;
  for (let length = 1; length <= longestCode; length++) {
    const count = codeLengths.filter((bits) => bits === length).length;
    firstCode[length] = code;
    firstOctet[length] = octet;
    codesEnd[length] = (code + count) * 2 ** (longestCode - length);
    code = (code + count) * 2;
    octet += count;
  }
}

/**
 * Decodes a string in HPACK's Huffman code (RFC 7541, section 5.2).
 *
 * @throws Http2Error COMPRESSION_ERROR where it isn't filled up with the start of the end's code, or holds that code
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string {
  // The shortest code has five bits.
  const decoded = Buffer.allocUnsafe(Math.floor(((end - start) * 8) / 5));
  let length = 0;
  let at = start;
  let bits = 0;
  let bitCount = 0;
  for (;;) {
    // A number of up to 52 bits is exact; 30 wanted and a byte more come to 38.
    while (bitCount < longestCode && at < end) {
      bits = bits * 256 + bytes[at++]!;
      bitCount += 8;
    }
    if (bitCount === 0) break;
    // What is missing at the end is taken for ones, as the filling is.
    const missing = Math.max(0, longestCode - bitCount);
    const window =
      missing > 0
        ? bits * 2 ** missing + (2 ** missing - 1)
        : Math.floor(bits / 2 ** (bitCount - longestCode));
    let codeBits = 5;
    while (window >= codesEnd[codeBits]! && codeBits < longestCode) codeBits += 1;
    const code = Math.floor(window / 2 ** (longestCode - codeBits));
    const octet = octets[firstOctet[codeBits]! + code - firstCode[codeBits]!]!;
    if (codeBits > bitCount || octet === endOfString) {
      const isFilling = bitCount < 8 && bits === 2 ** bitCount - 1;
      if (!isFilling) throw new Http2Error('COMPRESSION_ERROR', 'a Huffman string ends within a code');
      break;
    }
    decoded[length++] = octet;
    bitCount -= codeBits;
    bits %= 2 ** bitCount;
  }
  return decoded.toString('latin1', 0, length);
}
