import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openOutputFile } from './output.js';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aibench-output-'));
  path = join(folder, 'out.dat');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const outputFailure = (message: string | RegExp) =>
  expect.objectContaining({ code: 'AIBENCH_OUTPUT', message: expect.stringMatching(message) });

describe('openOutputFile', () => {
  it('shows the file under its name when it is whole, and nothing beside it', async () => {
    const file = await openOutputFile(path);
    await file.write('one ');
    await file.write(Uint8Array.from([0x74, 0x77, 0x6f]));
    expect(existsSync(path)).toBe(false);
    await file.commit();
    await file.discard();
    expect(readFileSync(path, 'utf8')).toBe('one two');
    expect(readdirSync(folder)).toEqual(['out.dat']);
  });

  it('writes any chunks one after the other', async () => {
    const chunk = fc.oneof(fc.uint8Array({ maxLength: 2_000 }), fc.string());
    await fc.assert(
      fc.asyncProperty(fc.array(chunk, { maxLength: 8 }), async (chunks) => {
        const file = await openOutputFile(path);
        for (const each of chunks) await file.write(each);
        await file.commit();
        expect(readFileSync(path)).toEqual(
          Buffer.concat(chunks.map((each) => Buffer.from(each as Uint8Array))),
        );
      }),
      { numRuns: 30 },
    );
  });

  it('leaves an older file as it is until then, and for good when it is given up', async () => {
    writeFileSync(path, 'older');
    const file = await openOutputFile(path);
    await file.write('newer');
    expect(readFileSync(path, 'utf8')).toBe('older');
    await file.discard();
    await file.discard();
    expect(readFileSync(path, 'utf8')).toBe('older');
    expect(readdirSync(folder)).toEqual(['out.dat']);
  });

  it.each([0o600, 0o640, 0o666, 0o755])(
    'keeps the permissions %o of the file that it replaces',
    async (mode) => {
      writeFileSync(path, 'older');
      chmodSync(path, mode);
      const file = await openOutputFile(path);
      await file.commit();
      expect(statSync(path).mode & 0o777).toBe(mode);
    },
  );

  it('writes what a symbolic link points to, be it there or not', async () => {
    const link = join(folder, 'link');
    symlinkSync('out.dat', link);
    for (const text of ['first', 'second']) {
      const file = await openOutputFile(link);
      await file.write(text);
      await file.commit();
      expect(readFileSync(path, 'utf8')).toBe(text);
      expect(lstatSync(link).isSymbolicLink()).toBe(true);
      expect(readdirSync(folder).sort()).toEqual(['link', 'out.dat']);
    }
  });

  it('says at once what is wrong with a path', async () => {
    writeFileSync(path, '');
    await expect(openOutputFile(join(folder, 'none', 'x'))).rejects.toThrow(
      outputFailure(/^cannot write .*none\/x: its folder does not exist$/),
    );
    await expect(openOutputFile(join(path, 'x'))).rejects.toThrow(
      outputFailure('its folder is not a folder'),
    );
    await expect(openOutputFile(folder)).rejects.toThrow(outputFailure('it is a folder'));
    expect(readdirSync(folder)).toEqual(['out.dat']);
  });

  it.runIf(existsSync('/dev/full'))('says that a disk is full', async () => {
    const file = await openOutputFile('/dev/full');
    await expect(file.write('more than nothing')).rejects.toThrow(
      outputFailure('^cannot write /dev/full: the disk is full$'),
    );
    await file.discard();
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
  });

  it('writes devices directly', async () => {
    const file = await openOutputFile('/dev/null');
    await file.write('gone');
    await file.commit();
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it('says so when the file cannot take its name in the end, and leaves nothing', async () => {
    const file = await openOutputFile(path);
    await file.write('text');
    rmSync(folder, { recursive: true });
    await expect(file.commit()).rejects.toThrow(outputFailure('its folder does not exist'));
    await file.discard();
  });

  it('keeps two files apart that are to have the same name', async () => {
    const [one, other] = [await openOutputFile(path), await openOutputFile(path)];
    await one.write('one');
    await other.write('other');
    await one.commit();
    await other.commit();
    expect(readFileSync(path, 'utf8')).toBe('other');
    expect(readdirSync(folder)).toEqual(['out.dat']);
  });

  const outputUrl = new URL('../../dist/cli/output.js', import.meta.url).href;
  it.each([
    ['exits', 'process.exit(3)', 0],
    ['fails', 'throw new Error("by itself")', 0],
    ['is killed', 'process.kill(process.pid, "SIGKILL")', 1],
  ])('leaves no half file under the name when the process %s', async (_, end, partials) => {
    writeFileSync(path, 'older');
    const script = `import { openOutputFile } from ${JSON.stringify(outputUrl)};
      const file = await openOutputFile(${JSON.stringify(path)});
      await file.write('half');
      ${end};`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
    await new Promise((resolve) => child.on('exit', resolve));
    expect(readFileSync(path, 'utf8')).toBe('older');
    expect(readdirSync(folder).filter((name) => name.startsWith('out.dat.partial-'))).toHaveLength(partials);
    expect(fileURLToPath(outputUrl)).toContain('dist');
  });
});
