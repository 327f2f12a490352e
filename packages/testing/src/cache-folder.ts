import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where the tests keep what takes long to make: Python environments, Go programs.
 * `AIBENCH_CACHE`, or else `aibench` in the user's cache folder.
 */
export function cacheFolder(): string {
  const given = process.env['AIBENCH_CACHE'];
  if (given !== undefined && given !== '') return given;
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'aibench');
}
