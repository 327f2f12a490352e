import { expect, it } from 'vitest';
import { histogramFamily, MetricHistogram, metricFamily } from './prometheus.js';

it('writes counters, with what a label may not hold escaped', () => {
  const samples = [
    { labels: {}, value: 3 },
    { labels: { model: 'a"b\\c\nd', version: '1' }, value: 0.5 },
  ];
  expect(metricFamily('requests', 'counter', 'Requests.', samples)).toBe(
    `# HELP requests Requests.
# TYPE requests counter
requests 3
requests{model="a\\"b\\\\c\\nd",version="1"} 0.5
`,
  );
});

it('writes a histogram with the counts of all smaller buckets in each', () => {
  const histogram = new MetricHistogram([10, 20]);
  for (const value of [5, 10, 11, 20, 21]) histogram.add(value);
  expect(histogramFamily('us', 'Time.', [{ labels: { model: 'm' }, histogram }])).toBe(
    `# HELP us Time.
# TYPE us histogram
us_bucket{model="m",le="10"} 2
us_bucket{model="m",le="20"} 4
us_bucket{model="m",le="+Inf"} 5
us_sum{model="m"} 67
us_count{model="m"} 5
`,
  );
});
