import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterwards } from './afterwards.js';

/** Makes an empty folder that is removed, with all in it, after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aibench-test-'));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  afterwards({ stop: remove, stopNow: remove });
  return folder;
}
