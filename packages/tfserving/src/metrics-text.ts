/** A sample of a metrics page. */
export interface MetricSample {
  /** `request_count`, `request_latency_sum`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Reads a page in Prometheus' text format (version 0.0.4, "Exposition formats"), without its help, types and
 * timestamps. Lines of another form are passed over.
 */
export function readMetrics(text: string): MetricSample[] {
  const samples: MetricSample[] = [];
  for (const line of text.split('\n')) {
    const sample = samplePattern.exec(line);
    if (sample === null) continue;
    const [, name = '', labels = '', value = ''] = sample;
    const number = readNumber(value);
    if (number !== undefined) samples.push({ name, labels: readLabels(labels), value: number });
  }
  return samples;
}

const samplePattern =
  /^\s*([a-zA-Z_:][\w:]*)\s*(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s*(\S+)(?:\s+-?\d+)?\s*$/;
const labelPattern = /([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"/g;

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(labelPattern)) {
    labels[name] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}

function readNumber(text: string): number | undefined {
  const infinite = /^([+-]?)Inf$/i.exec(text);
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity;
  const value = Number(text);
  return Number.isNaN(value) ? undefined : value;
}

/**
 * Samples as one flat map: counters, gauges, and the sums and counts of histograms, whose buckets are left out, as are
 * series of other models and values that are no finite number. The names are the server's, its prefix
 * `:tensorflow:` left out, with the labels behind them: `serving:request_count{status="OK"}`.
 *
 * @param model whose series are kept, beside those that belong to no model; their label `model_name` is left out
 */
export function flattenMetrics(samples: readonly MetricSample[], model: string): Record<string, number> {
  const flat: Record<string, number> = {};
  for (const { name, labels, value } of samples) {
    const { model_name: owner = model, ...others } = labels;
    const isBucket = name.endsWith('_bucket') && others['le'] !== undefined;
    if (isBucket || owner !== model || !Number.isFinite(value)) continue;
    const shown = Object.entries(others).map(([key, text]) => `${key}=${JSON.stringify(text)}`);
    flat[`${name.replace(/^:tensorflow:/, '')}${shown.length === 0 ? '' : `{${shown.join(',')}}`}`] = value;
  }
  return flat;
}
