import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { AibenchError } from '@aibench/core';
import type { UseCase } from './use-case.js';

/** The use case of the Go suite's fraud programs, and of ours where none is named. */
export const defaultUseCaseName = 'creditcard-fraud';

/** Names of the use cases there are: each folder beside this file that has an index, sorted. */
export async function useCaseNames(): Promise<string[]> {
  const entries = await readdir(new URL('.', import.meta.url), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && existsSync(indexUrl(entry.name)))
    .map((entry) => entry.name)
    .sort();
}

/**
 * The use case of a name.
 *
 * @throws AIBENCH_USAGE naming those there are
 */
export async function loadUseCase(name: string): Promise<UseCase> {
  const names = await useCaseNames();
  if (!names.includes(name)) {
    throw new AibenchError('AIBENCH_USAGE', `there is no use case ${JSON.stringify(name)}`, {
      hint: `--use-case takes ${names.join(', ')}`,
    });
  }
  const module = (await import(indexUrl(name).href)) as { readonly useCase: UseCase };
  return module.useCase;
}

function indexUrl(name: string): URL {
  return new URL(`./${name}/index.js`, import.meta.url);
}
