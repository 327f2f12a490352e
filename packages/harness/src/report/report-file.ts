import { type OutputFile, openOutputFile } from '../cli/output.js';

/**
 * Opens a report's file, before the work begins.
 *
 * @param path empty for none
 * @throws AIBENCH_OUTPUT
 */
export function openReport(path: string): Promise<OutputFile | undefined> {
  return path === '' ? Promise.resolve(undefined) : openOutputFile(path);
}

/** Writes a report whole and makes its file appear. */
export async function writeReport(file: OutputFile | undefined, text: string): Promise<void> {
  await file?.write(text);
  await file?.commit();
}
