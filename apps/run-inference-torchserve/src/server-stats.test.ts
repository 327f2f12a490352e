import { readPrometheusText } from '@aibench/harness';
import { describe, expect, it } from 'vitest';
import { metricsOf } from './server-stats.js';

/** As TorchServe 0.12 writes it, with commas behind the last label. */
const text = `# HELP Requests2XX Torchserve prometheus counter metric with unit: Count
# TYPE Requests2XX counter
Requests2XX{Level="Host",Hostname="h",} 20002.0
ts_inference_requests_total{model_name="financialNet",model_version="default",hostname="h",} 20000.0
ts_inference_requests_total{model_name="financialNet",model_version="2.0",hostname="h",} 8.0
ts_inference_requests_total{model_name="other",model_version="default",hostname="h",} 5.0
ts_inference_latency_microseconds{model_name="financialNet",model_version="default",hostname="h",} 1.5E7
HandlerTime{ModelName="financialNet",Level="Model",Hostname="h",} 0.75
HandlerTime{ModelName="other",Level="Model",Hostname="h",} 3.0
WorkerLoadTime{WorkerName="W-9000-financialNet_1.0",Level="Host",Hostname="h",} 1873.0
GPUUtilization{Level="Host",DeviceId="1",Hostname="h",} 40.0
MemoryUsed{Level="Host",Hostname="h",} NaN
`;

describe('metricsOf', () => {
  it("adds up the model's versions, and leaves out other models", () => {
    expect(metricsOf(readPrometheusText(text), 'financialNet')).toEqual({
      Requests2XX: 20_002,
      ts_inference_requests_total: 20_008,
      ts_inference_latency_microseconds: 15_000_000,
      HandlerTime: 0.75,
      'WorkerLoadTime{WorkerName=W-9000-financialNet_1.0}': 1_873,
      'GPUUtilization{DeviceId=1}': 40,
    });
  });
});
