/** Room that one number takes at most: sign, digits, point or exponent. */
export const mostDecimalBytes = 26;

/** 10 to the power of its index; all of them are exact in float64. */
const powersOfTen = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);
/** Digits that tell any float32 from its neighbours (IEEE 754, 5.12.2). */
const enoughDigits = 9;
/** Digits that a float32 keeps of any number that is written with them. */
const writtenDigits = 6;

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);
const zero = 0x30;
const point = 0x2e;
const minus = 0x2d;

/** The two digits of the numbers below 100. */
const tens = Uint8Array.from({ length: 100 }, (_, pair) => zero + Math.floor(pair / 10));
const ones = Uint8Array.from({ length: 100 }, (_, pair) => zero + (pair % 10));

/**
 * Writes a finite float32 as a JSON number that reads back, as a float64 that is
 * rounded or at once, to the same float32: of nine digits, or fewer where it was
 * written with no more than six. Several times as fast as making a string of it,
 * which would have the digits of a float64.
 *
 * @param at where in the buffer, which has {@link mostDecimalBytes} left there
 * @returns where it ends
 */
export function writeDecimal(value: number, buffer: Uint8Array, at: number): number {
  float[0] = value;
  const word = bits[0]!;
  let end = at;
  if (word >>> 31 === 1) buffer[end++] = minus;
  const size = Math.abs(value);
  if (size === 0) {
    buffer[end++] = zero;
    if (word !== 0) {
      // Without a point, readers take it for an integer, which has no sign.
      buffer[end++] = point;
      buffer[end++] = zero;
    }
    return end;
  }
  const decimals = enoughDigits - 1 - floorLog10(word, size);
  // Far from 1, where powers of ten are not exact, the digits of a float64 do.
  if (decimals < 0 || decimals >= powersOfTen.length) return writeText(String(size), buffer, end);
  return writeSignificant(size, decimals, buffer, end);
}

/** The exponent of the first digit, from the exponent in base 2: log10(2) is 1233 / 4096, and then at most one too low. */
function floorLog10(word: number, size: number): number {
  const low = ((((word >>> 23) & 0xff) - 127) * 1_233) >> 12;
  const next = low + 1;
  const reachesNext = next < 0 ? size * powersOfTen[-next]! >= 1 : size >= powersOfTen[next]!;
  return reachesNext ? next : low;
}

/**
 * Writes the six digits of a number that people have written, where they read back as it, otherwise nine. Whether seven
 * or eight would do, nobody could guess, a processor least of all: asking costs more than the digits.
 */
function writeSignificant(size: number, mostDecimals: number, buffer: Uint8Array, at: number): number {
  const fewer = mostDecimals - (enoughDigits - writtenDigits);
  const power = fewer < 0 ? 0 : powersOfTen[fewer]!;
  // Rounded so, and in 32 bits, which all of them fit into: Math.round takes another path for every other number.
  const written = (size * power + 0.5) | 0;
  // A quotient of two exact numbers is rounded once: it is what a reader makes of these digits.
  const areEnough = Math.fround(written / power) === size;
  let decimals = areEnough ? fewer : mostDecimals;
  let digits = areEnough ? written : (size * powersOfTen[decimals]! + 0.5) | 0;
  let length = areEnough ? writtenDigits : enoughDigits;
  // Rounded up, 9.99 has a digit more.
  if (digits >= powersOfTen[length]!) length += 1;
  for (; decimals > 0 && digits % 10 === 0; decimals--) {
    digits = (digits / 10) | 0;
    length -= 1;
  }
  return writeDigits(digits, length, decimals, buffer, at);
}

/** Writes digits / 10^decimals. */
function writeDigits(
  digits: number,
  length: number,
  decimals: number,
  buffer: Uint8Array,
  at: number,
): number {
  if (decimals === 0) return writeInteger(digits, length, buffer, at);
  if (decimals > length + 6) {
    const end = writeInteger(digits, length, buffer, at);
    buffer[end] = 0x65;
    buffer[end + 1] = minus;
    return writeInteger(decimals, decimals < 10 ? 1 : 2, buffer, end + 2);
  }
  if (decimals < length) {
    const whole = Math.floor(digits / powersOfTen[decimals]!);
    const end = writeInteger(whole, length - decimals, buffer, at);
    buffer[end] = point;
    return writeInteger(digits - whole * powersOfTen[decimals]!, decimals, buffer, end + 1);
  }
  buffer[at] = zero;
  buffer[at + 1] = point;
  return writeInteger(digits, decimals, buffer, at + 2);
}

/** Writes a whole number below 2^31 with zeros in front up to a length. */
function writeInteger(value: number, length: number, buffer: Uint8Array, at: number): number {
  let rest = value | 0;
  let place = at + length;
  while (place > at + 1) {
    const next = (rest / 100) | 0;
    const pair = rest - next * 100;
    place -= 2;
    buffer[place] = tens[pair]!;
    buffer[place + 1] = ones[pair]!;
    rest = next;
  }
  if (place > at) buffer[at] = zero + rest;
  return at + length;
}

function writeText(text: string, buffer: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) buffer[at + i] = text.charCodeAt(i);
  return at + text.length;
}
