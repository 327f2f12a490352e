export { dtypeOfDatatype, formatTensor, tritonDatatype } from './datatypes.js';
export {
  InferParameter,
  InferStatistics,
  InferTensorContents,
  ModelConfigRequest,
  ModelConfigResponse,
  ModelInferRequest,
  ModelInferRequest_InferInputTensor,
  ModelInferRequest_InferRequestedOutputTensor,
  ModelInferResponse,
  ModelInferResponse_InferOutputTensor,
  ModelMetadataRequest,
  ModelMetadataResponse,
  ModelMetadataResponse_TensorMetadata,
  ModelReadyRequest,
  ModelReadyResponse,
  ModelRepositoryParameter,
  ModelStatistics,
  ModelStatisticsRequest,
  ModelStatisticsResponse,
  RepositoryIndexRequest,
  RepositoryIndexResponse,
  RepositoryIndexResponse_ModelIndex,
  RepositoryModelLoadRequest,
  RepositoryModelLoadResponse,
  RepositoryModelUnloadRequest,
  RepositoryModelUnloadResponse,
  ServerLiveRequest,
  ServerLiveResponse,
  ServerMetadataRequest,
  ServerMetadataResponse,
  ServerReadyRequest,
  ServerReadyResponse,
  StatisticDuration,
} from './gen/inference/grpc_service.js';
export {
  DataType,
  ModelConfig,
  ModelDynamicBatching,
  ModelInput,
  ModelInstanceGroup,
  ModelInstanceGroup_Kind,
  ModelOutput,
} from './gen/inference/model_config.js';
export { type ControlCalls, GrpcControl } from './grpc-control.js';
export { type HttpInferTemplate, headerLengthHeader, httpInferTemplate } from './http-infer-template.js';
export { modelPath, serverPath } from './http-paths.js';
export { type InferenceCall, inferTemplate } from './infer-template.js';
export { type InspectedModel, inspectModel, inspectServer, type WantedModel } from './inspect-model.js';
export { type MatchOptions, matchModel, type TensorTask } from './match-model.js';
export { type HttpInferAnswer, readHttpInferResponse } from './read-http-infer-response.js';
export { InferResponseReader } from './read-infer-response.js';
export { readJsonAnswer } from './read-json-answers.js';
export {
  type DynamicBatching,
  type InferringControl,
  type InstanceGroup,
  isNotFound,
  isUnimplemented,
  type ModelConfiguration,
  type ModelCounters,
  type ModelDescription,
  type ModelTensor,
  type RepositoryEntry,
  type ServerIdentity,
  type TritonControl,
} from './triton-control.js';
export { type TritonMethod, tritonMethod } from './triton-methods.js';
