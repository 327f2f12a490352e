import { AibenchError, formatDurationMs, parseDurationMs } from '@aibench/core';

/** The kinds of value that a flag takes, as they are named in help and docs. */
export type FlagKind = 'string' | 'integer' | 'number' | 'boolean' | 'duration' | 'list' | 'texts' | 'choice';

/**
 * A flag as data: help, the README's tables and parsing all come from it. The
 * default stands here once, as the text that a user would type.
 */
export interface Flag<Value = unknown, Kind extends FlagKind = FlagKind> {
  readonly kind: Kind;
  /** What it sets, one sentence without a full stop; units named. */
  readonly describe: string;
  readonly defaultText: string;
  /** What stands for the value in help: `path`, `host:port`. */
  readonly placeholder: string;
  /** Other names for the same flag. */
  readonly aliases: readonly string[];
  /** Heading in help. */
  readonly group: string | undefined;
  /** The values that a choice accepts; empty for other kinds. */
  readonly choices: readonly string[];
  /**
   * Reads what the user gave; of a flag that may be given several times, each text on a line of its own.
   *
   * @throws Error whose message completes "--name: ..."
   */
  parse(text: string): Value;
}

/** Flags by their names in kebab-case. */
export type FlagSet = Readonly<Record<string, Flag>>;

type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

type ValueKey<Name, F> = Name extends string
  ? F extends Flag<unknown, 'duration'>
    ? `${CamelCase<Name>}Ms`
    : CamelCase<Name>
  : never;

/**
 * The values of a set of flags: names in camelCase, durations in milliseconds
 * with the suffix `Ms`: `--reporting-period 1s` is `reportingPeriodMs: 1000`.
 */
export type FlagValues<F extends FlagSet> = {
  readonly [Name in keyof F as ValueKey<Name, F[Name]>]: F[Name] extends Flag<infer Value> ? Value : never;
};

interface FlagOptions<Default> {
  readonly describe: string;
  readonly default: Default;
  readonly placeholder?: string;
  readonly aliases?: readonly string[];
  readonly group?: string;
}

interface NumberOptions extends FlagOptions<number> {
  readonly min?: number;
  readonly max?: number;
}

function define<Value, Kind extends FlagKind>(
  kind: Kind,
  options: Omit<FlagOptions<unknown>, 'default'>,
  defaultText: string,
  placeholder: string,
  parse: (text: string) => Value,
  choices: readonly string[] = [],
): Flag<Value, Kind> {
  return {
    kind,
    describe: options.describe,
    defaultText,
    placeholder: options.placeholder ?? placeholder,
    aliases: options.aliases ?? [],
    group: options.group,
    choices,
    parse,
  };
}

function checkRange(value: number, { min, max }: Pick<NumberOptions, 'min' | 'max'>): number {
  if (min !== undefined && value < min) throw new RangeError(`${value} is below ${min}, the least it takes`);
  if (max !== undefined && value > max) throw new RangeError(`${value} is above ${max}, the most it takes`);
  return value;
}

function parseBoolean(text: string): boolean {
  // What Go's strconv.ParseBool accepts, since scripts of Go's users come here.
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw new TypeError(`"${text}" is neither true nor false`);
}

/** Makers of flags, one for each kind of value. */
export const flag = {
  string(options: FlagOptions<string>): Flag<string, 'string'> {
    return define('string', options, options.default, 'text', (text) => text);
  },

  /** A whole number in [min, max]; both optional, at most 2^53 - 1. */
  integer(options: NumberOptions): Flag<number, 'integer'> {
    return define('integer', options, String(options.default), 'n', (text) => {
      const value = Number(text);
      if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value)) {
        throw new TypeError(`"${text}" is no whole number`);
      }
      return checkRange(value, options);
    });
  },

  /** A number in [min, max]; both optional. */
  number(options: NumberOptions): Flag<number, 'number'> {
    return define('number', options, String(options.default), 'x', (text) => {
      const value = Number(text);
      if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) || !Number.isFinite(value)) {
        throw new TypeError(`"${text}" is no number`);
      }
      return checkRange(value, options);
    });
  },

  /** A number above 0, up to `max` if there is one, or undefined where the user gives none. */
  positiveNumber(
    options: Omit<FlagOptions<never>, 'default'> & { readonly max?: number },
  ): Flag<number | undefined, 'number'> {
    return define('number', options, '', 'x', (text) => {
      if (text === '') return undefined;
      const value = Number(text);
      if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) || !Number.isFinite(value)) {
        throw new TypeError(`"${text}" is no number`);
      }
      if (value <= 0) throw new RangeError(`${text} is not above 0`);
      return checkRange(value, options);
    });
  },

  boolean(options: FlagOptions<boolean>): Flag<boolean, 'boolean'> {
    return define('boolean', options, String(options.default), '', parseBoolean);
  },

  /** A Go duration, `1m30s`; the value is in milliseconds, min and max too. */
  duration(
    options: FlagOptions<string> & { readonly minMs?: number; readonly maxMs?: number },
  ): Flag<number, 'duration'> {
    return define('duration', options, options.default, 'duration', (text) => {
      const valueMs = parseDurationMs(text);
      const { minMs = 0, maxMs = Number.POSITIVE_INFINITY } = options;
      if (valueMs < minMs)
        throw new RangeError(`${text} is below ${formatDurationMs(minMs)}, the least it takes`);
      if (valueMs > maxMs)
        throw new RangeError(`${text} is above ${formatDurationMs(maxMs)}, the most it takes`);
      return valueMs;
    });
  },

  /** Texts separated by commas; blanks around them are dropped. */
  list(options: FlagOptions<readonly string[]>): Flag<readonly string[], 'list'> {
    return define('list', options, options.default.join(','), 'a,b,..', (text) =>
      text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    );
  },

  /** A text each time that the flag is given, whatever it holds but line breaks. */
  texts(options: Omit<FlagOptions<never>, 'default'>): Flag<readonly string[], 'texts'> {
    return define('texts', options, '', 'text', (text) => (text === '' ? [] : text.split('\n')));
  },

  /** One of the given texts, upper and lower case alike. */
  choice<const Choice extends string>(
    choices: readonly Choice[],
    options: FlagOptions<NoInfer<Choice>>,
  ): Flag<Choice, 'choice'> {
    const parse = (text: string): Choice => {
      const found = choices.find((choice) => choice.toLowerCase() === text.toLowerCase());
      if (found === undefined) throw new TypeError(`"${text}" is none of ${choices.join(', ')}`);
      return found;
    };
    return define('choice', options, options.default, choices.join('|'), parse, choices);
  },
};

/** The key under which a flag's value is found: `limit-rps` is `limitRps`, durations end in `Ms`. */
export function valueKey(name: string, { kind }: Flag): string {
  const camel = name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return kind === 'duration' ? `${camel}Ms` : camel;
}

/**
 * Reads a flag's text.
 *
 * @throws AIBENCH_USAGE naming the flag
 */
export function parseFlag(name: string, definition: Flag, text: string): unknown {
  try {
    return definition.parse(text);
  } catch (cause) {
    const hint = cause instanceof AibenchError ? cause.hint : undefined;
    throw new AibenchError('AIBENCH_USAGE', `--${name}: ${(cause as Error).message}`, { hint, cause });
  }
}

/** The values that flags have when the user gives none. */
export function defaultValues<F extends FlagSet>(flags: F): FlagValues<F> {
  const entries = Object.entries(flags).map(([name, definition]) => [
    valueKey(name, definition),
    parseFlag(name, definition, definition.defaultText),
  ]);
  return Object.fromEntries(entries) as FlagValues<F>;
}
