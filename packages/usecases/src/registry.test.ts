import { describe, expect, it } from 'vitest';

// The built module: use cases are found as folders of built files.
const { defaultUseCaseName, loadUseCase, useCaseNames } = (await import(
  new URL('../dist/registry.js', import.meta.url).href
)) as typeof import('./registry.js');

describe('the registry of use cases', () => {
  it('finds them as folders', async () => {
    const names = await useCaseNames();
    expect(names).toContain(defaultUseCaseName);
    // Folders without an index are parts of the package.
    expect(names).not.toContain('csv');
  });

  it('loads each under its own name', async () => {
    for (const name of await useCaseNames()) expect((await loadUseCase(name)).name).toBe(name);
  });

  it.each(['vison', 'csv', '../usecases', ''])('refuses %j and names those there are', async (name) => {
    await expect(loadUseCase(name)).rejects.toMatchObject({
      code: 'AIBENCH_USAGE',
      message: `there is no use case ${JSON.stringify(name)}`,
      hint: expect.stringContaining(defaultUseCaseName),
    });
  });
});
