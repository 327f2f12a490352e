import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import type { ModelSetup } from './model-setup.js';

const folder = new URL('./servers/', import.meta.url);

/** Servers that models can be set up for: the files in `servers/`. */
export function serverNames(): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.js') && !name.includes('.test.'))
    .map((name) => basename(name, '.js'))
    .sort();
}

/** How models get to a server. */
export async function loadModelSetup(name: string): Promise<ModelSetup> {
  const { modelSetup } = (await import(new URL(`${name}.js`, folder).href)) as { modelSetup: ModelSetup };
  return modelSetup;
}
