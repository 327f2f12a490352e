import { AibenchError } from '@aibench/core';

/** A flag that a sweep may vary, and what values it takes. */
export interface SweepVariable {
  readonly kind: 'integer' | 'number';
  /** Default: no bound. */
  readonly min?: number;
  readonly max?: number;
}

/** One variable, and the values that it takes one after the other. */
export interface Sweep {
  /** The flag's name, without dashes. */
  readonly name: string;
  /** In the order in which they were written, each once. */
  readonly values: readonly number[];
}

/** Most values of one sweep: each is a run of its own, and more are sooner a slip of the finger than meant. */
export const mostSweepValues = 1_000;

/**
 * Reads `--sweep`: a flag's name, `=`, and values joined by commas. A value is
 *
 * - a number: `8`, `0.5`, `1e3`;
 * - `a..b`, which doubles from a until b: `1..8` is 1, 2, 4, 8;
 * - `a..b:s`, which steps by s: `100..400:100` is 100, 200, 300, 400.
 *
 * A range always ends with b, also where doubling or stepping would pass over
 * it: `8..50` is 8, 16, 32, 50. A value that comes again is left out.
 *
 * @param text `workers=1,2,4,8..64`
 * @param variables the flags that can be swept, by name without dashes
 * @throws AIBENCH_USAGE naming `--sweep` and the part that is wrong
 */
export function parseSweep(text: string, variables: Readonly<Record<string, SweepVariable>>): Sweep {
  const [left = '', right, ...more] = text.split('=');
  const names = Object.keys(variables);
  if (right === undefined || more.length > 0) {
    throw usage(`"${text}" is not of the form name=values`, names);
  }
  const name = left.trim().replace(/^--?/, '');
  const variable = Object.hasOwn(variables, name) ? variables[name] : undefined;
  if (variable === undefined) throw usage(`"${name}" cannot be swept, only ${names.join(', ')} can`, names);
  const values = new Set<number>();
  let count = 0;
  for (const part of right.split(',')) {
    for (const value of valuesOf(part.trim(), text, names)) {
      checkValue(value, name, variable, names);
      values.add(value);
      count += 1;
      if (count > mostSweepValues) throw usage(`"${text}" has more than ${mostSweepValues} values`, names);
    }
  }
  return { name, values: [...values] };
}

function* valuesOf(part: string, whole: string, names: readonly string[]): Generator<number> {
  if (part === '') throw usage(`there is an empty value in "${whole}"`, names);
  const [range = '', stepText, ...moreSteps] = part.split(':');
  const ends = range.split('..');
  const [from, to] = ends.map((end) => numberOf(end, part, names));
  if (ends.length === 1 && stepText === undefined) {
    yield from!;
    return;
  }
  if (ends.length !== 2 || moreSteps.length > 0)
    throw usage(`"${part}" is neither a number nor a range`, names);
  if (to! < from!) throw usage(`"${part}" runs downwards: write ${to}..${from}`, names);
  const step = stepText === undefined ? undefined : numberOf(stepText, part, names);
  if (step === 0) throw usage(`"${part}" never arrives: a step is above 0`, names);
  if (step === undefined && from === 0 && to! > 0) {
    throw usage(`"${part}" never arrives: twice 0 is 0`, names);
  }
  for (let index = 0; ; index++) {
    const value = step === undefined ? from! * 2 ** index : rounded(from! + index * step);
    if (value >= to!) break;
    yield value;
  }
  yield to!;
}

function numberOf(text: string, part: string, names: readonly string[]): number {
  const trimmed = text.trim();
  const value = /^(\d+\.?\d*|\.\d+)(e\+?\d+)?$/i.test(trimmed) ? Number(trimmed) : Number.NaN;
  if (Number.isFinite(value)) return value;
  const what = trimmed === '' ? `a number is missing in "${part}"` : `"${trimmed}" in "${part}" is no number`;
  throw usage(what, names);
}

/** Without the last digits of binary floating point: three steps of 0.1 are 0.3. */
function rounded(value: number): number {
  return Number(value.toPrecision(12));
}

function checkValue(
  value: number,
  name: string,
  { kind, min, max }: SweepVariable,
  names: readonly string[],
): void {
  if (kind === 'integer' && !Number.isInteger(value)) {
    throw usage(`${name} takes whole numbers, not ${value}`, names);
  }
  if (min !== undefined && value < min) throw usage(`${name} ${value} is below ${min}`, names);
  if (max !== undefined && value > max) throw usage(`${name} ${value} is above ${max}`, names);
}

function usage(message: string, names: readonly string[]): AibenchError {
  const example = names.includes('workers') ? 'workers' : (names[0] ?? 'workers');
  return new AibenchError('AIBENCH_USAGE', `--sweep: ${message}`, {
    hint: `--sweep takes one like ${example}=1,2,4,8..64 or ${example}=100..1000:100`,
  });
}
