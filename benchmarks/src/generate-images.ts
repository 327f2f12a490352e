/**
 * Makes image data with aibench-generate-data from a folder of JPEGs of COCO's size (640 x 480, quality 90), drawn
 * and encoded here first; prints images/s, MB/s and peak memory of the whole process.
 *
 *     node benchmarks/dist/generate-images.js [--images 1000] [--rounds 3]
 *
 * The yardstick is a bare loop over sharp that resizes and crops the same files on all cores and throws the pixels
 * away; it is told their size, which a program has to ask for. A ratio of 1 means that tensors, digest, disk and
 * order cost nothing beside decoding. The second yardstick asks sharp for the size, as any program must. CPU time
 * says the same where other programs take the cores; its ratio stands in brackets.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repositoryRoot, runBinary, temporaryFolder } from '@aibench/testing';
import sharp from 'sharp';
import { machineName, watchMachine } from './machine-noise.js';

interface Figure {
  readonly seconds: number;
  /** Of all threads. */
  readonly cpuSeconds: number;
  /** Undefined where it is not measured. */
  readonly peakMb?: number;
}

const { values: options } = parseArgs({
  options: { images: { type: 'string', default: '1000' }, rounds: { type: 'string', default: '3' } },
});
const imageCount = Number(options.images);
const rounds = Number(options.rounds);
const size = { width: 640, height: 480 };
const resized = { width: 341, height: 256 };
const cropSize = 224;
/** One operation is one thread; so many at once keep all cores busy. */
const atOnce = availableParallelism() + 1;

const folder = temporaryFolder();
const images = join(folder, 'images');
const output = join(folder, 'images.dat');
await drawImages();
const paths = readdirSync(images).map((name) => join(images, name));

const bare = 'bare sharp';
const contenders: { readonly name: string; readonly run: () => Promise<Figure> }[] = [
  { name: bare, run: () => runSharp(false) },
  { name: 'bare sharp, asking sizes', run: () => runSharp(true) },
  { name: 'to a file', run: () => runOurs(output) },
  { name: 'to /dev/null', run: () => runOurs('/dev/null') },
];

// Round by round, so that a busy moment of the machine meets all of them.
const noise = watchMachine();
const figures = new Map<string, Figure[]>();
for (let round = 0; round < rounds; round++) {
  for (const { name, run } of contenders) figures.set(name, [...(figures.get(name) ?? []), await run()]);
}

console.log(`${imageCount} JPEGs of 640 x 480, ${rounds} rounds, medians; ${machineName()}\n`);
const yardstick = median(bare, 'seconds');
const cpuYardstick = median(bare, 'cpuSeconds');
for (const { name } of contenders) {
  const seconds = median(name, 'seconds');
  const cpuSeconds = median(name, 'cpuSeconds');
  const peaks = (figures.get(name) ?? []).map(({ peakMb }) => peakMb ?? 0);
  const cells = [
    name.padEnd(26),
    `${Math.round(imageCount / seconds)} images/s`.padStart(14),
    `${Math.round((imageCount * cropSize * cropSize * 12) / seconds / 1e6)} MB/s`.padStart(11),
    `peak ${Math.max(...peaks) || '?'} MB`.padStart(13),
    `${(yardstick / seconds).toFixed(2)} of bare sharp`.padStart(20),
    `${((1e3 * cpuSeconds) / imageCount).toFixed(2)} ms of CPU an image`.padStart(26),
    `(${(cpuYardstick / cpuSeconds).toFixed(2)})`.padStart(8),
  ];
  console.log(cells.join(''));
}
console.log(`\n${noise.line()}`);
process.exit(0);

async function drawImages(): Promise<void> {
  const module = 'packages/usecases/dist/vision-image-classification/synthetic-image.js';
  const { drawImage } = (await import(join(repositoryRoot, module))) as {
    drawImage(seed: number, place: number, width: number, height: number): Uint8Array;
  };
  mkdirSync(images);
  for (let i = 0; i < imageCount; i++) {
    const pixels = drawImage(1, i, size.width, size.height);
    const image = sharp(pixels, { raw: { ...size, channels: 3 } }).jpeg({ quality: 90 });
    await image.toFile(join(images, `${String(i).padStart(6, '0')}.jpg`));
  }
}

async function runSharp(askSize: boolean): Promise<Figure> {
  sharp.cache(false);
  sharp.concurrency(1);
  let next = 0;
  const work = async () => {
    while (next < paths.length) {
      const path = paths[next++]!;
      if (askSize) await sharp(path).metadata();
      const crop = { left: next % (resized.width - cropSize), top: next % (resized.height - cropSize) };
      await sharp(path, { ignoreIcc: true })
        .autoOrient()
        .resize({ ...resized, fit: 'fill', kernel: 'cubic' })
        .extract({ ...crop, width: cropSize, height: cropSize })
        .raw()
        .toBuffer();
    }
  };
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  await Promise.all(Array.from({ length: atOnce }, work));
  const { user, system } = process.cpuUsage(startCpu);
  return { seconds: (performance.now() - startMs) / 1000, cpuSeconds: (user + system) / 1e6 };
}

async function runOurs(path: string): Promise<Figure> {
  const args = ['--use-case', 'vision-image-classification', '--seed', '12345', '--debug', '1'];
  const { exitCode, stderr } = await runBinary(
    'generate-data',
    [...args, '--input-val-dir', images, '--output-file', path],
    { timeoutMs: 600_000 },
  );
  if (exitCode !== 0) throw new Error(`aibench-generate-data failed: ${stderr}`);
  rmSync(output, { force: true });
  // Its own clock, since the yardstick doesn't start a process either.
  const [, seconds] = /bytes in ([\d.]+) s/.exec(stderr) ?? [];
  return {
    seconds: Number(seconds),
    cpuSeconds: Number(/CPU time ([\d.]+) s/.exec(stderr)?.[1]),
    peakMb: Number(/peak resident memory (\d+) MB/.exec(stderr)?.[1]),
  };
}

function median(name: string, key: 'seconds' | 'cpuSeconds'): number {
  const sorted = (figures.get(name) ?? []).map((figure) => figure[key]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
