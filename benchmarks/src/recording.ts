/**
 * What recording the latency of one request costs, in two places: on the load
 * thread, which appends a sample to a buffer, and on the main thread, which puts
 * each sample into the histograms of its window. Next to them the yardstick:
 * recording one value in one HdrHistogram. No server, no sockets.
 *
 *     node benchmarks/dist/recording.js [samples] [rounds]
 */
import { LatencyHistogram, Random } from '@aibench/core';
import { stageNames } from '@aibench/harness';

/** The parts of the engine that are measured; they are not public. */
interface Sample {
  readonly endUs: number;
  readonly serviceUs: number;
  readonly responseUs: number;
  readonly measured: boolean;
  readonly queryUs: number;
}
interface SampleBuffer {
  append(sample: Sample, stagesUs: Float64Array): void;
  flush(): void;
}
interface Aggregator {
  add(samples: Float64Array): void;
}
const engine = import.meta.resolve('@aibench/harness');
const { SampleBuffer } = (await import(new URL('./engine/samples.js', engine).href)) as {
  readonly SampleBuffer: new (handOver: (samples: Float64Array<ArrayBuffer>) => void) => SampleBuffer;
};
const { Aggregator } = (await import(new URL('./engine/aggregator.js', engine).href)) as {
  readonly Aggregator: new (periodUs: number) => Aggregator;
};

const [samples = 2_000_000, rounds = 5] = process.argv.slice(2).map(Number);

// Latencies as they are: few the same, from 50 us to some ms.
const random = new Random(1);
const latencies = Float64Array.from({ length: 65_536 }, () => 200 * Math.exp(random.normal()));
const stagesUs = new Float64Array(stageNames.length).fill(-1);
stagesUs.fill(5, 1); // encode, wait and decode; no reference data is fetched

function nsPerSample(work: () => void): number {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / samples;
}

/** Appends as a load thread does, an object and five doubles a sample. */
function appendAll(handOver: (chunk: Float64Array<ArrayBuffer>) => void): void {
  const buffer = new SampleBuffer(handOver);
  for (let i = 0; i < samples; i++) {
    const serviceUs = latencies[i & 65_535]!;
    buffer.append({ endUs: i, serviceUs, responseUs: serviceUs + 3, measured: true, queryUs: -1 }, stagesUs);
  }
  buffer.flush();
}

const chunks: Float64Array[] = [];
appendAll((chunk) => chunks.push(chunk));

const ways = {
  'load thread: append a sample': () => appendAll(() => undefined),
  'main thread: put it into histograms (6 of them)': () => {
    const aggregator = new Aggregator(1e6);
    for (const chunk of chunks) aggregator.add(chunk);
  },
  'one value into one HdrHistogram': () => {
    const histogram = new LatencyHistogram();
    for (let i = 0; i < samples; i++) histogram.record(latencies[i & 65_535]!);
  },
};

console.log(`${samples} samples, best and median of ${rounds} rounds, ns a sample`);
for (const [name, work] of Object.entries(ways)) {
  work(); // compiled by now
  const figures = Array.from({ length: rounds }, () => nsPerSample(work)).sort((a, b) => a - b);
  console.log(`  ${name}: ${figures[0]!.toFixed(0)}, ${figures[rounds >> 1]!.toFixed(0)}`);
}
