import { describe, expect, it } from 'vitest';
import { readPrometheusText } from './prometheus-text.js';

const text = `# HELP nv_inference_count Number of inferences
# TYPE nv_inference_count counter
nv_inference_count{model="financialNet",version="1"} 20002
nv_inference_count{model="financialNet",version="2"} 8
nv_inference_count{model="other",version="1"} 5
nv_inference_request_failure{model="financialNet",reason="OTHER",version="1"} 3
nv_cpu_utilization 0.9246231155778895
nv_gpu_power_usage{gpu_uuid="GPU-1"} NaN
nv_energy_consumption{gpu_uuid="a\\"b\\\\c\\n"} 1.5e3 1795334439175
no sample
nv_broken{
empty{} 4
trailing{a="b}c",} 5
`;

describe('readPrometheusText', () => {
  it('reads names, labels and values, and leaves out what is no number', () => {
    const samples = readPrometheusText(text);
    expect(samples).toHaveLength(8);
    expect(samples[3]).toEqual({
      name: 'nv_inference_request_failure',
      labels: { model: 'financialNet', reason: 'OTHER', version: '1' },
      value: 3,
    });
    expect(samples[5]).toEqual({
      name: 'nv_energy_consumption',
      labels: { gpu_uuid: 'a"b\\c\n' },
      value: 1_500,
    });
  });

  it('takes labels that are empty, or end with a comma', () => {
    expect(readPrometheusText(text).slice(6)).toEqual([
      { name: 'empty', labels: {}, value: 4 },
      { name: 'trailing', labels: { a: 'b}c' }, value: 5 },
    ]);
  });
});
