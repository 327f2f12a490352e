import { readPrometheusText } from '@aibench/harness';
import { describe, expect, it } from 'vitest';
import { metricsOf } from './server-stats.js';

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
`;

describe('metricsOf', () => {
  it("adds up the model's versions, and leaves out other models", () => {
    expect(metricsOf(readPrometheusText(text), 'financialNet')).toEqual({
      nv_inference_count: 20_010,
      'nv_inference_request_failure{reason=OTHER}': 3,
      nv_cpu_utilization: 0.9246231155778895,
      'nv_energy_consumption{gpu_uuid=a"b\\c\n}': 1_500,
    });
  });
});
