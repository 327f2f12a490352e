import { readPrometheusText } from '@aibench/harness';
import { describe, expect, it } from 'vitest';
import { metricsOf } from './server-stats.js';

const page = `# HELP :tensorflow:serving:request_count Requests.
# TYPE :tensorflow:serving:request_count counter
:tensorflow:serving:request_count{model_name="financialNet",status="OK"} 1200
:tensorflow:serving:request_count{model_name="other",status="OK"} 7
# TYPE :tensorflow:serving:request_latency histogram
:tensorflow:serving:request_latency_bucket{model_name="financialNet",API="predict",entrypoint="GRPC",le="10"} 0
:tensorflow:serving:request_latency_bucket{model_name="financialNet",API="predict",entrypoint="GRPC",le="+Inf"} 1200
:tensorflow:serving:request_latency_sum{model_name="financialNet",API="predict",entrypoint="GRPC"} 345678.5
:tensorflow:serving:request_latency_count{model_name="financialNet",API="predict",entrypoint="GRPC"} 1200
:tensorflow:core:direct_session_runs{} 4 1700000000000
process_start 1.5e9
kept{path="a\\"b\\\\c}d",} -2
`;

describe('metricsOf', () => {
  it("keeps counters, sums and counts of the model's own and of no model", () => {
    expect(metricsOf(readPrometheusText(page), 'financialNet')).toEqual({
      'serving:request_count{status="OK"}': 1200,
      'serving:request_latency_sum{API="predict",entrypoint="GRPC"}': 345678.5,
      'serving:request_latency_count{API="predict",entrypoint="GRPC"}': 1200,
      'core:direct_session_runs': 4,
      process_start: 1.5e9,
      'kept{path="a\\"b\\\\c}d"}': -2,
    });
  });
});
