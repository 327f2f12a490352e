export { ByRowCount, withRowCount } from './by-row-count.js';
export { unreachableReasons, untrustedCertificateCodes } from './connection-failure.js';
export { DeadlineTimer } from './deadline-timer.js';
export { formatDurationMs, parseDurationMs } from './duration.js';
export {
  AibenchError,
  type ErrorCode,
  type ErrorDetails,
  errorLine,
  exitCode,
  exitCodeOf,
} from './errors.js';
export { inputError, outputError } from './file-error.js';
export { formatCount } from './format-count.js';
export { LatencyHistogram, latencyRange } from './latency-histogram.js';
export { type MessageBytes, type MessagePart, PatchedMessage } from './patched-message.js';
export { Random, rowRandom } from './random.js';
export { RowLayout } from './row-layout.js';
export {
  type Dtype,
  dtypeSizeBytes,
  elementCount,
  float32Tensor,
  float32Values,
  float32View,
  formatShape,
  type Tensor,
  type TensorSpec,
  tensorSizeBytes,
} from './tensor.js';
export { type RowBytes, wholeRows } from './whole-rows.js';
