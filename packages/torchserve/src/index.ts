export { Empty } from './gen/google/protobuf/empty.js';
export {
  PredictionResponse,
  PredictionsRequest,
  TorchServeHealthResponse,
} from './gen/torchserve/inference.js';
export { modelOfPath, modelPath, modelsPath, pingPath, predictionsPath } from './http-paths.js';
export { ManagementControl, type ManagementOptions, type ModelRegistration } from './management-control.js';
export { readModelDescription, type VersionDescription } from './model-description.js';
export { type PredictionsCall, predictionsTemplate } from './predictions-template.js';
export { type AnswerContext, predictionOf, readRawOutputs } from './read-predictions.js';
export { torchServeMethod } from './torchserve-methods.js';
