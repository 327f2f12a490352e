/** A message in protobuf's text format: values by field, in the order in which they stand. */
export type TextMessage = ReadonlyMap<string, readonly TextValue[]>;

/** A value: a text in quotes, a number, a word such as an enum's name or `true`, or a message. */
export type TextValue =
  | { readonly text: string }
  | { readonly number: number }
  | { readonly word: string }
  | { readonly message: TextMessage };

/** How deep messages may lie in one another. */
const deepest = 64;

/** What may stand at a place of the text; the first that matches is the token. */
const token =
  /(?:\s|#[^\n]*)*(?:("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(-?(?:0[xX][\da-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?[fF]?|\.\d+(?:[eE][+-]?\d+)?[fF]?))|(-?[A-Za-z_][\w.]*)|([{}[\]<>:,;]))/y;

interface Token {
  readonly kind: 'text' | 'number' | 'word' | 'sign';
  readonly source: string;
}

/**
 * Reads protobuf's text format, as in Triton's `config.pbtxt`: `field: value`,
 * `field { .. }`, `field: [ .. ]`, comments. Extensions and Any are not read.
 *
 * @throws Error whose message tells line and reason
 */
export function parseTextProto(text: string): TextMessage {
  const reader = new Reader(text);
  const message = readMessage(reader, undefined, 0);
  return message;
}

class Reader {
  readonly #text: string;
  #at = 0;
  #next: Token | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** The next token, left in its place; undefined at the end. */
  peek(): Token | undefined {
    if (this.#next !== undefined) return this.#next;
    token.lastIndex = this.#at;
    const match = token.exec(this.#text);
    if (match === null) {
      if (/^(?:\s|#[^\n]*)*$/.test(this.#text.slice(this.#at))) return undefined;
      throw this.error('a character that does not belong here');
    }
    this.#at = token.lastIndex;
    const [, quoted, number, word] = match;
    const kind =
      quoted !== undefined ? 'text' : number !== undefined ? 'number' : word !== undefined ? 'word' : 'sign';
    this.#next = { kind, source: quoted ?? number ?? word ?? match[4]! };
    return this.#next;
  }

  take(): Token {
    const next = this.peek();
    if (next === undefined) throw this.error('the text ends too early');
    this.#next = undefined;
    return next;
  }

  /** Takes the sign where it comes next. */
  takeSign(...signs: string[]): string | undefined {
    const next = this.peek();
    if (next?.kind !== 'sign' || !signs.includes(next.source)) return undefined;
    this.#next = undefined;
    return next.source;
  }

  error(reason: string): Error {
    const line = this.#text.slice(0, this.#at).split('\n').length;
    return new SyntaxError(`line ${line}: ${reason}`);
  }
}

/** @param close the sign that ends it; undefined for the end of the text */
function readMessage(reader: Reader, close: string | undefined, depth: number): TextMessage {
  if (depth > deepest) throw reader.error('too many messages in one another');
  const fields = new Map<string, TextValue[]>();
  for (;;) {
    if (close === undefined ? reader.peek() === undefined : reader.takeSign(close) !== undefined)
      return fields;
    const name = reader.take();
    if (name.kind !== 'word') throw reader.error(`${name.source} where a field is expected`);
    let values = fields.get(name.source);
    if (values === undefined) {
      values = [];
      fields.set(name.source, values);
    }
    const hasColon = reader.takeSign(':') !== undefined;
    if (reader.takeSign('[') !== undefined) readList(reader, values, depth);
    else values.push(readValue(reader, hasColon, depth));
    reader.takeSign(',', ';');
  }
}

function readList(reader: Reader, values: TextValue[], depth: number): void {
  if (reader.takeSign(']') !== undefined) return;
  do {
    values.push(readValue(reader, true, depth));
  } while (reader.takeSign(',') !== undefined);
  if (reader.takeSign(']') === undefined) throw reader.error('a list that is not closed');
}

function readValue(reader: Reader, mayBeScalar: boolean, depth: number): TextValue {
  const open = reader.takeSign('{', '<');
  if (open !== undefined) return { message: readMessage(reader, open === '{' ? '}' : '>', depth + 1) };
  const { kind, source } = reader.take();
  if (!mayBeScalar || kind === 'sign') throw reader.error(`${source} where a value is expected`);
  if (kind === 'word') return { word: source };
  if (kind === 'number') return { number: Number(source.replace(/(?<!^-?0[xX].*)[fF]$/, '')) };
  let text = unquote(source);
  // Texts that stand side by side are one.
  while (reader.peek()?.kind === 'text') text += unquote(reader.take().source);
  return { text };
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function unquote(source: string): string {
  return source.slice(1, -1).replaceAll(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
}
