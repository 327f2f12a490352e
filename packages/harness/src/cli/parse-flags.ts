import { AibenchError } from '@aibench/core';
import { distance } from 'fastest-levenshtein';
import yargs, { type Argv, type Options } from 'yargs';
import { type Flag, type FlagSet, type FlagValues, parseFlag, valueKey } from './flags.js';
import { type CommandText, helpText } from './help.js';

/** A command line, read: values for the run, or a text to print instead. */
export type ParsedCommand<F extends FlagSet> =
  | { readonly kind: 'run'; readonly values: FlagValues<F>; readonly given: ReadonlySet<string> }
  | { readonly kind: 'print'; readonly text: string };

/**
 * Reads a command line, in GNU style and in that of Go's `flag` package, whose
 * users' scripts mix `-name=value`, `--name=value`, `-name value`, `-bool` and
 * `-bool=false`. A flag given twice takes the last value, as in Go, unless it is
 * one of several texts.
 *
 * @param args what follows the binary's name
 * @throws AIBENCH_USAGE for an unknown flag (naming the nearest), a bad value or a stray argument
 */
export async function parseFlags<F extends FlagSet>(
  flags: F,
  args: readonly string[],
  command: CommandText,
): Promise<ParsedCommand<F>> {
  const parser = buildParser(flags);
  const parsed = await parser.parse(args.map(asLongFlag));
  rejectStrayArguments(flags, parsed._.map(String));
  rejectUnknownFlags(flags, Object.keys(parsed));
  if (isSet(parsed['help'])) return { kind: 'print', text: `${helpText(flags, command, terminalWidth())}\n` };
  if (isSet(parsed['version'])) return { kind: 'print', text: `${command.name} ${command.version}\n` };

  const given = new Set<string>();
  const values: Record<string, unknown> = {};
  for (const [name, definition] of Object.entries(flags)) {
    const text = givenText(definition, parsed[name]);
    if (text !== undefined) given.add(name);
    values[valueKey(name, definition)] = parseFlag(name, definition, text ?? definition.defaultText);
  }
  return { kind: 'run', values: values as FlagValues<F>, given };
}

/** Parsing is yargs' work; the texts that a user sees are ours, since flags are data that docs are made from too. */
function buildParser(flags: FlagSet): Argv {
  const parser = yargs()
    .parserConfiguration({
      'camel-case-expansion': false,
      'dot-notation': false,
      'boolean-negation': false,
      'short-option-groups': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'unknown-options-as-args': true,
    })
    .exitProcess(false)
    .fail((message: string | undefined, cause: Error | undefined) => {
      throw usageError(message, cause);
    })
    .version(false)
    .help(false)
    .boolean(['help', 'version']);
  for (const [name, definition] of Object.entries(flags)) parser.option(name, yargsOption(definition));
  return parser;
}

/** Every value arrives as the user's text; a bare boolean flag as an empty one. */
function yargsOption({ kind, aliases }: Flag): Options {
  const alias = [...aliases];
  return { alias, type: 'string', requiresArg: kind !== 'boolean' };
}

/** Whether a flag of the parser's own was given, once or more often. */
function isSet(parsed: unknown): boolean {
  return [parsed].flat().includes(true);
}

/** What was given for a flag, as often as it was. */
function givenText({ kind }: Flag, parsed: unknown): string | undefined {
  if (parsed === undefined) return undefined;
  const texts = (Array.isArray(parsed) ? parsed : [parsed]).map(kind === 'boolean' ? booleanText : String);
  if (kind !== 'texts') return texts.at(-1);
  if (texts.some((text) => text.includes('\n'))) {
    throw new AibenchError('AIBENCH_USAGE', 'a line break is in a flag that takes none');
  }
  return texts.join('\n');
}

function usageError(message: string | undefined, cause: Error | undefined): AibenchError {
  const missing = /^Not enough arguments following: (.+)$/.exec(message ?? '')?.[1];
  const line =
    missing === undefined ? (message ?? cause?.message ?? 'unreadable') : `--${missing} needs a value`;
  return new AibenchError('AIBENCH_USAGE', line, { cause });
}

/** Columns to fill: the terminal's, within what is comfortable to read. */
function terminalWidth(): number {
  return Math.min(process.stdout.columns ?? 100, 110);
}

function booleanText(text: unknown): string {
  return text === '' ? 'true' : String(text);
}

/** Go's `-name` as `--name`; numbers, `-` and one-letter flags stay as they are. */
function asLongFlag(arg: string): string {
  return /^-[a-zA-Z][\w-]+(=|$)/.test(arg) ? `-${arg}` : arg;
}

function rejectStrayArguments(flags: FlagSet, strays: readonly string[]): void {
  const stray = strays[0];
  if (stray === undefined) return;
  if (!stray.startsWith('-') || stray === '-') {
    throw new AibenchError('AIBENCH_USAGE', `"${stray}" is not expected here`, {
      hint: 'values follow their flag: --name value',
    });
  }
  throw unknownFlag(flags, stray.replace(/^--?/, '').replace(/=.*$/s, ''));
}

/** yargs counts a flag as known where one that is begins it: `--file-x`. */
function rejectUnknownFlags(flags: FlagSet, parsed: readonly string[]): void {
  const aliases = Object.values(flags).flatMap((flag) => flag.aliases);
  const known = new Set(['_', '$0', 'help', 'version', ...Object.keys(flags), ...aliases]);
  const name = parsed.find((key) => !known.has(key));
  if (name !== undefined) throw unknownFlag(flags, name);
}

function unknownFlag(flags: FlagSet, name: string): AibenchError {
  const nearest = nearestName(name, [...Object.keys(flags), 'help', 'version']);
  return new AibenchError('AIBENCH_USAGE', `there is no flag --${name}`, {
    hint: nearest === undefined ? 'see --help' : `did you mean --${nearest}?`,
  });
}

/** The name nearest to a mistyped one, if one is near enough to be meant. */
export function nearestName(mistyped: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, edits: distance(mistyped, name) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  if (best === undefined) return undefined;
  if (best.edits <= Math.max(2, mistyped.length / 3)) return best.name;
  return names.find((name) => name.startsWith(mistyped) || mistyped.startsWith(name));
}
