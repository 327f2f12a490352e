export {
  type InferenceRequest,
  type InferenceTask,
  type RequestTensors,
  requestTensors,
  type UseCase,
} from '@aibench/usecases';
export type { BenchmarkOptions } from './engine/benchmark-options.js';
export { answerDifference, checkAnswerShape } from './engine/check-answer.js';
export { loadFlags } from './engine/load-flags.js';
export { runBenchmark } from './engine/run-benchmark.js';
export { type Stage, type StageTimer, stageNames } from './engine/stages.js';
export type { FailureCount, Tally } from './engine/tally.js';
export {
  type NullReferenceServer,
  type NullReferenceServerOptions,
  type NullServerProtocol,
  startNullReferenceServer,
} from './null-reference-server.js';
export { type PrometheusSample, readPrometheusText } from './prometheus-text.js';
export { hdrText } from './report/hdr-text.js';
export { resultJson } from './report/json.js';
export { summaryText } from './report/summary.js';
export { type LatencySummary, summarizeLatency } from './result/latency-summary.js';
export type { Platform } from './result/platform.js';
export {
  type ClientCost,
  type LoadSettings,
  type Outcome,
  type RunCounts,
  type RunRates,
  type RunResult,
  resultFormatVersion,
  type ServerStatsResult,
  type WindowResult,
} from './result/run-result.js';
export { runInferenceCli } from './run-inference-cli.js';
export type {
  NullServer,
  Runner,
  RunnerContext,
  ServerDescription,
  ServerStatsReader,
  Session,
  SessionContext,
} from './runner.js';
