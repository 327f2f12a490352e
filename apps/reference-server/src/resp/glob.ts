/**
 * Whether text matches a pattern as `KEYS` and `CONFIG GET` take it: `*`, `?`,
 * `[a-z]`, `[^a]`, `\` before a character taken literally. Takes time in
 * proportion to the product of both lengths at most, so no pattern can hang the server.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let patternAt = 0;
  let starAt = -1;
  let starTextAt = 0;
  while (at < text.length) {
    if (pattern[patternAt] === '*') {
      starAt = patternAt++;
      starTextAt = at;
      continue;
    }
    const next = patternAt < pattern.length ? matchOne(pattern, patternAt, text[at]!) : -1;
    if (next !== -1) {
      patternAt = next;
      at += 1;
    } else if (starAt !== -1) {
      // Only the last star needs another try: what the ones before it took can stay as it is.
      patternAt = starAt + 1;
      at = ++starTextAt;
    } else {
      return false;
    }
  }
  while (pattern[patternAt] === '*') patternAt += 1;
  return patternAt === pattern.length;
}

/** Where the pattern goes on after it has matched one character; -1 where it does not match. */
function matchOne(pattern: string, at: number, character: string): number {
  const symbol = pattern[at]!;
  if (symbol === '?') return at + 1;
  if (symbol === '[') return matchClass(pattern, at + 1, character);
  if (symbol === '\\' && at + 1 < pattern.length) return pattern[at + 1] === character ? at + 2 : -1;
  return symbol === character ? at + 1 : -1;
}

function matchClass(pattern: string, start: number, character: string): number {
  let at = start;
  const isNegated = pattern[at] === '^';
  if (isNegated) at += 1;
  let isMember = false;
  for (; at < pattern.length && pattern[at] !== ']'; at++) {
    if (pattern[at] === '\\' && at + 1 < pattern.length) at += 1;
    const from = pattern[at]!;
    if (pattern[at + 1] === '-' && at + 2 < pattern.length && pattern[at + 2] !== ']') {
      const to = pattern[at + 2]!;
      if ((from <= character && character <= to) || (to <= character && character <= from)) isMember = true;
      at += 2;
    } else if (from === character) {
      isMember = true;
    }
  }
  return isMember === isNegated ? -1 : Math.min(at + 1, pattern.length);
}
