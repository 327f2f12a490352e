import { ProtocolError } from './reply-error.js';

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

/**
 * Splits a command typed as a line, the way Redis does: blanks separate, "..."
 * knows the escapes \n \r \t \b \a \xHH, '...' knows only \'.
 *
 * @param line binary text, one character a byte
 * @throws ProtocolError when a quote is not closed, or something follows its end directly
 */
export function splitInlineArguments(line: string): string[] {
  const values: string[] = [];
  let at = 0;
  while (at < line.length) {
    if (isBlank(line[at])) {
      at += 1;
      continue;
    }
    const { value, end } = readArgument(line, at);
    values.push(value);
    at = end;
  }
  return values;
}

function readArgument(line: string, start: number): { readonly value: string; readonly end: number } {
  let value = '';
  let at = start;
  while (at < line.length && !isBlank(line[at])) {
    const character = line[at]!;
    if (character !== '"' && character !== "'") {
      value += character;
      at += 1;
      continue;
    }
    const quoted = readQuoted(line, at);
    value += quoted.value;
    at = quoted.end;
    if (at < line.length && !isBlank(line[at])) throw unbalanced();
  }
  return { value, end: at };
}

function readQuoted(line: string, start: number): { readonly value: string; readonly end: number } {
  const quote = line[start]!;
  let value = '';
  let at = start + 1;
  while (at < line.length) {
    const character = line[at]!;
    if (character === quote) return { value, end: at + 1 };
    const next = line[at + 1];
    if (character !== '\\' || next === undefined || (quote === "'" && next !== "'")) {
      value += character;
      at += 1;
      continue;
    }
    const hex = quote === '"' ? /^x([0-9a-f]{2})/i.exec(line.slice(at + 1, at + 4)) : null;
    value += hex === null ? (escapes[next] ?? next) : String.fromCharCode(Number.parseInt(hex[1]!, 16));
    at += hex === null ? 2 : 4;
  }
  throw unbalanced();
}

function isBlank(character: string | undefined): boolean {
  return character !== undefined && /\s|\0/.test(character);
}

function unbalanced(): ProtocolError {
  return new ProtocolError('unbalanced quotes in request');
}
