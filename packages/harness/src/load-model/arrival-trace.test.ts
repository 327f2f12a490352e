import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readArrivalTrace } from './arrival-trace.js';

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aibench-trace-'));
  path = join(folder, 'trace.txt');
});

afterAll(() => rm(folder, { recursive: true }));

async function read(text: string): Promise<number[]> {
  await writeFile(path, text);
  return [...(await readArrivalTrace(path))];
}

describe('readArrivalTrace', () => {
  it('reads seconds as microseconds, passing over comments and blank lines, whatever ends the lines', async () => {
    expect(await read('# a trace\n\n0\n0.25\n  .5 \n\t# between\n1.\n1\n2e0')).toEqual([
      0, 250_000, 500_000, 1e6, 1e6, 2e6,
    ]);
    expect(await read('\uFEFF0\r\n1\r\n')).toEqual([0, 1e6]);
    expect(await read('# from a sheet\nSeconds\n0.1\n')).toEqual([100_000]);
  });

  it('reads what is written, over many chunks of the file', async () => {
    const gaps = fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 1, maxLength: 50 });
    await fc.assert(
      fc.asyncProperty(gaps, async (some) => {
        let time = 0;
        const times = Array.from({ length: 5_000 }, (_, i) => (time += some[i % some.length]!));
        expect(await read(times.join('\n'))).toEqual(times.map((each) => each * 1e6));
      }),
      { numRuns: 10 },
    );
  });

  it.each([
    ['0\n1\nsoon\n', 'line 3: "soon" is no time in seconds'],
    ['0\n1,2\n', 'line 2: "1,2" is no time in seconds'],
    ['0x10\n', 'line 1: "0x10" is no time in seconds'],
    ['1e305\n', 'line 1: "1e305" is no time in seconds'],
    ['Infinity\n', 'line 1: "Infinity" is no time in seconds'],
    ['0\nseconds\n', 'line 2: "seconds" is no time in seconds'],
    ['# c\n\n-0.5\n', 'line 3: -0.5 is negative'],
    ['0\n2.50\n# c\n2.4\n', 'line 4: 2.4 is before the time above it, 2.50'],
    [`0\n${'1'.repeat(200_000)}`, 'line 2: more than 4096 characters'],
    ['\0\x01PNG', 'line 1: "\0\x01PNG" is no time in seconds'],
  ])('names the line that is wrong in %j', async (text, message) => {
    await expect(read(text)).rejects.toMatchObject({ code: 'AIBENCH_INPUT', message: `${path}, ${message}` });
  });

  it.each(['', '\n\n', '# only words\n', 'seconds\n'])('rejects a file without times: %j', async (text) => {
    await expect(read(text)).rejects.toMatchObject({
      code: 'AIBENCH_INPUT',
      message: `${path} holds no arrival times`,
    });
  });

  it('names a file that cannot be read', async () => {
    const missing = join(folder, 'missing.txt');
    await expect(readArrivalTrace(missing)).rejects.toMatchObject({
      code: 'AIBENCH_INPUT',
      message: `cannot read ${missing}: there is no such file`,
    });
    await expect(readArrivalTrace(folder)).rejects.toMatchObject({ code: 'AIBENCH_INPUT' });
  });
});
