/** An error reply, as a value: pipelines can hold several. */
export interface ErrorReply {
  readonly error: string;
}

/** A reply of RESP2 or RESP3: simple strings and bulk strings as text (latin1), sets as arrays, maps as maps. */
export type Reply =
  | string
  | number
  | bigint
  | null
  | ErrorReply
  | Reply[]
  | Map<Reply, Reply>
  | { double: number };

/** A reply and where the next one begins; undefined where the bytes end first. */
export function decodeReply(bytes: Buffer, start = 0): { value: Reply; end: number } | undefined {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd === -1) return undefined;
  const type = String.fromCharCode(bytes[start]!);
  const line = bytes.toString('latin1', start + 1, lineEnd);
  const next = lineEnd + 2;
  switch (type) {
    case '+':
      return { value: line, end: next };
    case '-':
      return { value: { error: line }, end: next };
    case ':':
      return { value: Number.isSafeInteger(Number(line)) ? Number(line) : BigInt(line), end: next };
    case '_':
      return { value: null, end: next };
    case ',':
      return { value: { double: readDouble(line) }, end: next };
    case '$':
    case '=':
      return decodeBulk(bytes, Number(line), next, type === '=' ? 4 : 0);
    case '*':
    case '~':
      return decodeArray(bytes, Number(line), next);
    case '%': {
      const pairs = decodeArray(bytes, 2 * Number(line), next);
      if (pairs === undefined) return undefined;
      const flat = pairs.value as Reply[];
      const map = new Map<Reply, Reply>();
      for (let i = 0; i < flat.length; i += 2) map.set(flat[i]!, flat[i + 1]!);
      return { value: map, end: pairs.end };
    }
    default:
      throw new Error(`not a reply: ${JSON.stringify(bytes.toString('latin1', start, start + 40))}`);
  }
}

function decodeBulk(bytes: Buffer, length: number, start: number, skip: number) {
  if (length === -1) return { value: null, end: start };
  if (bytes.length < start + length + 2) return undefined;
  return { value: bytes.toString('latin1', start + skip, start + length), end: start + length + 2 };
}

function decodeArray(bytes: Buffer, length: number, start: number) {
  const value: Reply[] = [];
  let end = start;
  for (let i = 0; i < length; i++) {
    const element = decodeReply(bytes, end);
    if (element === undefined) return undefined;
    value.push(element.value);
    end = element.end;
  }
  return { value, end };
}

function readDouble(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY;
  return text === '-inf' ? Number.NEGATIVE_INFINITY : Number(text);
}
