// Draws two latency distributions of the same stalling server, as an SVG on stdout:
//
//     node docs/figures/make-stall-figure.mjs closed.json open.json > docs/figures/stall.svg
//
// The files are what --json-out-file wrote for a closed and for an open loop; docs/honesty.md has the commands. Percentiles
// lie along the logarithm of what is above them, so that each step to the right is a request ten times as rare.
import { readFileSync } from 'node:fs';
import { LatencyHistogram } from '../../packages/core/dist/index.js';

const width = 660;
const height = 400;
const plot = { left: 70, right: 620, top: 20, bottom: 350 };
const percentiles = [0, 50, 90, 99, 99.9];
const latenciesMs = [1, 10, 100, 1_000];
const mostNines = 3;
const leastMs = 1;
const mostMs = 2_000;

function readResult(path) {
  if (path === undefined) {
    process.stderr.write('make-stall-figure: pass the results of a closed and of an open loop\n');
    process.exit(2);
  }
  return JSON.parse(readFileSync(path, 'utf8')).Result;
}

const x = (nines) => plot.left + ((plot.right - plot.left) * nines) / mostNines;
const y = (ms) => {
  const share = Math.log(Math.max(ms, leastMs) / leastMs) / Math.log(mostMs / leastMs);
  return plot.bottom - (plot.bottom - plot.top) * share;
};
const number = (value) => Number(value.toFixed(1));
const ninesOf = (percentile) => -Math.log10(1 - percentile / 100);

/** A curve with its name, `offset` below the point of it that has so many nines. */
function series({ encodedHistogram }, name, className, nines, offset) {
  const histogram = LatencyHistogram.decode(encodedHistogram);
  const yAt = (at) => number(y(histogram.quantileUs(1 - 10 ** -at) / 1_000));
  const steps = 300;
  const points = Array.from({ length: steps + 1 }, (_, step) => {
    const at = (mostNines * step) / steps;
    return `${number(x(at))},${yAt(at)}`;
  });
  return [
    `<polyline class="${className}" points="${points.join(' ')}"/>`,
    `<text class="${className}" x="${number(x(nines))}" y="${yAt(nines) + offset}">${name}</text>`,
  ];
}

const closed = readResult(process.argv[2]);
const open = readResult(process.argv[3]);

const grid = [
  ...percentiles.map((percentile) => {
    const at = number(x(ninesOf(percentile)));
    return (
      `<line x1="${at}" y1="${plot.top}" x2="${at}" y2="${plot.bottom}"/>` +
      `<text x="${at}" y="${plot.bottom + 20}" text-anchor="middle">${percentile} %</text>`
    );
  }),
  ...latenciesMs.map((ms) => {
    const at = number(y(ms));
    return (
      `<line x1="${plot.left}" y1="${at}" x2="${plot.right}" y2="${at}"/>` +
      `<text x="${plot.left - 8}" y="${at + 4}" text-anchor="end">${ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`}</text>`
    );
  }),
];

const lines = [
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">`,
  '<title id="title">Latency by percentile while a server stalls: closed loop and open loop</title>',
  '<style>text { font: 12px sans-serif; fill: #555 } line { stroke: #ddd }',
  'polyline { fill: none; stroke-width: 2.5 } polyline.open { stroke: #b3261e } text.open { fill: #b3261e }',
  'polyline.closed { stroke: #1a5fb4; stroke-dasharray: 7 4 } text.closed { fill: #1a5fb4 }</style>',
  `<rect width="${width}" height="${height}" fill="#fff"/>`,
  ...grid,
  `<text x="${(plot.left + plot.right) / 2}" y="${plot.bottom + 42}" text-anchor="middle">share of requests that took no longer</text>`,
  ...series(open.responseTime, 'open loop, response time', 'open', 1.6, 24),
  ...series(closed.serviceTime, 'closed loop, service time', 'closed', 1.6, 22),
  '</svg>',
];
process.stdout.write(`${lines.join('\n')}\n`);
