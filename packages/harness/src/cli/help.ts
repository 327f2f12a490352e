import type { Flag, FlagSet } from './flags.js';

/** What a binary says of itself in help. */
export interface CommandText {
  readonly name: string;
  readonly summary: string;
  /** Command lines that can be pasted. */
  readonly examples: readonly string[];
  readonly version: string;
}

const ownFlags = [
  ['--help', 'Print this help'],
  ['--version', 'Print the version'],
] as const;

/** The text of `--help`: every flag with its value, meaning and default, under its group's heading. */
export function helpText(flags: FlagSet, command: CommandText, widthColumns: number): string {
  const groups = new Map<string, [string, string][]>();
  for (const [name, definition] of Object.entries(flags)) {
    const heading = definition.group ?? 'Flags';
    const rows = groups.get(heading) ?? [];
    rows.push([signature(name, definition), description(definition)]);
    groups.set(heading, rows);
  }
  groups.set('Other', [
    ...(groups.get('Other') ?? []),
    ...ownFlags.map(([name, text]): [string, string] => [name, text]),
  ]);
  const leftWidth = Math.min(38, Math.max(...[...groups.values()].flat().map(([left]) => left.length)));
  const sections = [...groups].map(([heading, rows]) =>
    [`${heading}:`, ...rows.map((row) => formatRow(row, leftWidth, widthColumns))].join('\n'),
  );
  const examples =
    command.examples.length === 0 ? [] : [`Examples:\n${command.examples.map(indent).join('\n')}`];
  return [
    `${command.name}: ${command.summary}`,
    `Usage: ${command.name} [flags]`,
    ...sections,
    ...examples,
  ].join('\n\n');
}

function signature(name: string, { placeholder, aliases }: Flag): string {
  const names = [name, ...aliases].map((each) => (each.length === 1 ? `-${each}` : `--${each}`)).join(', ');
  return placeholder === '' ? names : `${names} <${placeholder}>`;
}

function description({ describe, defaultText, kind }: Flag): string {
  if (defaultText === '' || (kind === 'boolean' && defaultText === 'false')) return describe;
  return `${describe} (default ${defaultText})`;
}

function formatRow([left, right]: [string, string], leftWidth: number, widthColumns: number): string {
  const lines = wrap(right, Math.max(30, widthColumns - leftWidth - 4));
  const margin = ' '.repeat(leftWidth + 4);
  const first = left.length > leftWidth ? `  ${left}\n${margin}` : `  ${left.padEnd(leftWidth)}  `;
  return first + lines.join(`\n${margin}`);
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function indent(line: string): string {
  return `  ${line}`;
}
