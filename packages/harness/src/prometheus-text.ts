/** One sample of a Prometheus endpoint. */
export interface PrometheusSample {
  /** `nv_inference_count` */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Reads Prometheus' text format (prometheus.io, "Exposition formats"). Lines
 * that are no samples, and values that are no numbers, are left out.
 */
export function readPrometheusText(text: string): PrometheusSample[] {
  const samples: PrometheusSample[] = [];
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$/.exec(line);
    if (match === null) continue;
    const value = Number(match[3]);
    if (Number.isFinite(value)) samples.push({ name: match[1]!, labels: readLabels(match[2] ?? ''), value });
  }
  return samples;
}

const escapes: Readonly<Record<string, string>> = { n: '\n' };

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name, value] of text.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    labels[name!] = value!.replaceAll(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
  }
  return labels;
}
