import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { describeWithServer } from './describe-with-server.js';
import { goProgram } from './go-program.js';
import { temporaryFolder } from './temporary-folder.js';

describeWithServer('go', 'Go programs', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('builds a program once, and anew when it changes', { timeout: 300_000 }, async () => {
    const cache = temporaryFolder();
    vi.stubEnv('AIBENCH_CACHE', cache);
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'go.mod'), 'module example.invalid/hello\n\ngo 1.19\n');
    const write = (word: string) =>
      writeFileSync(
        join(folder, 'main.go'),
        `package main\n\nimport "fmt"\n\nfunc main() { fmt.Print("${word}") }\n`,
      );
    write('hello');
    const [binary, again] = await Promise.all([goProgram(folder), goProgram(folder)]);
    expect(again).toBe(binary);
    expect(execFileSync(binary, { encoding: 'utf8' })).toBe('hello');

    write('changed');
    const changed = await goProgram(folder);
    expect(execFileSync(changed, { encoding: 'utf8' })).toBe('changed');
    expect(readdirSync(join(cache, 'go'))).toHaveLength(2);
  });

  it('says why a program does not build, and leaves nothing', { timeout: 300_000 }, async () => {
    const cache = temporaryFolder();
    vi.stubEnv('AIBENCH_CACHE', cache);
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'go.mod'), 'module example.invalid/broken\n\ngo 1.19\n');
    writeFileSync(join(folder, 'main.go'), 'package main\n\nfunc main() { nothing() }\n');
    await expect(goProgram(folder)).rejects.toThrow('undefined: nothing');
    expect(readdirSync(join(cache, 'go'))).toEqual([]);
  });
});
