import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import { isPlaced, placeVersion } from './place-version.js';

const file = (path: string, text: string) => ({ path, bytes: Buffer.from(text) });

describe('placeVersion', () => {
  it('makes what is missing, and leaves nothing else behind', async () => {
    const folder = join(temporaryFolder(), 'base');
    const files = [file('m/1/saved_model.pb', 'graph'), file('m/1/variables/variables.index', 'index')];
    expect(await isPlaced(folder, files)).toBe(false);
    await placeVersion(folder, 'm/1', files);
    expect(readdirSync(folder)).toEqual(['m']);
    expect(readFileSync(join(folder, 'm/1/variables/variables.index'), 'utf8')).toBe('index');
    expect(await isPlaced(folder, files)).toBe(true);
    expect(await isPlaced(folder, [file('m/1/saved_model.pb', 'other')])).toBe(false);
  });

  it('replaces a version as a whole', async () => {
    const folder = temporaryFolder();
    await placeVersion(folder, 'm/1', [file('m/1/saved_model.pb', 'old'), file('m/1/assets/words', 'old')]);
    await placeVersion(folder, 'm/2', [file('m/2/saved_model.pb', 'two')]);
    await placeVersion(folder, 'm/1', [file('m/1/saved_model.pb', 'new')]);
    expect(readdirSync(join(folder, 'm/1'))).toEqual(['saved_model.pb']);
    expect(readFileSync(join(folder, 'm/1/saved_model.pb'), 'utf8')).toBe('new');
    expect(readFileSync(join(folder, 'm/2/saved_model.pb'), 'utf8')).toBe('two');
    expect(readdirSync(folder)).toEqual(['m']);
  });

  it('names the folder that cannot be written', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'base'));
    writeFileSync(join(folder, 'base', 'm'), 'a file');
    const placed = placeVersion(join(folder, 'base'), 'm/1', [file('m/1/saved_model.pb', 'graph')]);
    await expect(placed).rejects.toMatchObject({
      code: 'AIBENCH_OUTPUT',
      message: expect.stringContaining(join(folder, 'base', 'm', '1')),
    });
    expect(readdirSync(join(folder, 'base'))).toEqual(['m']);
  });
});
