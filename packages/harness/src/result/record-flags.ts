import { formatDurationMs } from '@aibench/core';
import { type FlagSet, valueKey } from '../cli/flags.js';

/** Flags as they are kept in the result: by their names, durations as text, passwords left out. */
export function recordFlags(
  flags: FlagSet,
  values: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(flags).map(([name, definition]) => {
      const value = values[valueKey(name, definition)];
      if (definition.kind === 'duration') return [name, formatDurationMs(value as number)];
      if (/password|token|secret/.test(name)) return [name, value === '' ? '' : '***'];
      // Whose values may be logins, and whose names alone tell what was sent.
      if (name === 'header') return [name, (value as readonly string[]).map(headerName)];
      if (Array.isArray(value)) return [name, value.map(withoutPassword)];
      return [name, withoutPassword(value)];
    }),
  );
}

/** A URL's password is whatever lies between the user's colon and the last @. */
function withoutPassword(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/(\/\/[^/@:]*:).*@/, '$1***@') : value;
}

function headerName(line: string): string {
  return `${line.replace(/:.*$/s, '').trim()}: ***`;
}
