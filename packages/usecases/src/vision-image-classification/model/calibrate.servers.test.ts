import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { calibrate, calibrationImages } from './calibrate-weights.js';
import { renderStatistics } from './stored-statistics.js';

// About 20 s on one core: among the long tests, though it needs no server.
it('measuring gives the committed statistics, to the byte', { timeout: 300_000 }, async () => {
  const text = renderStatistics(calibrate(calibrationImages));
  const committed = await readFile(new URL('./mobilenet-statistics.ts', import.meta.url), 'utf8');
  // Compared as a whole, since a difference of 60,000 characters helps nobody.
  expect(text === committed).toBe(true);
});
