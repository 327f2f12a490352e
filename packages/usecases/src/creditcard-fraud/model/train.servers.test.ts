import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { renderWeights } from './render-weights.js';
import { fullTraining, trainNetwork } from './train-network.js';

// About 20 s on one core: among the long tests, though it needs no server.
it('training gives the committed weights and figures, to the byte', { timeout: 300_000 }, async () => {
  const text = renderWeights({
    withoutReference: trainNetwork(false, fullTraining),
    withReference: trainNetwork(true, fullTraining),
  });
  const committed = await readFile(new URL('./fraud-weights.ts', import.meta.url), 'utf8');
  // Compared as a whole, since a difference of 50,000 characters helps nobody.
  expect(text === committed).toBe(true);
});
