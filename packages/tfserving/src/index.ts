export { dataTypeOf, dtypeOf, formatTensorType } from './data-types.js';
export { Any } from './gen/google/protobuf/any.js';
export { TensorProto } from './gen/tensorflow/core/framework/tensor.js';
export { TensorShapeProto } from './gen/tensorflow/core/framework/tensor_shape.js';
export { DataType } from './gen/tensorflow/core/framework/types.js';
export { SignatureDef, TensorInfo } from './gen/tensorflow/core/protobuf/meta_graph.js';
export {
  GetModelMetadataRequest,
  GetModelMetadataResponse,
  SignatureDefMap,
} from './gen/tensorflow_serving/apis/get_model_metadata.js';
export {
  GetModelStatusRequest,
  GetModelStatusResponse,
  ModelVersionStatus,
  ModelVersionStatus_State,
} from './gen/tensorflow_serving/apis/get_model_status.js';
export { ModelSpec } from './gen/tensorflow_serving/apis/model.js';
export { ModelServiceDefinition } from './gen/tensorflow_serving/apis/model_service.js';
export { PredictRequest, PredictResponse } from './gen/tensorflow_serving/apis/predict.js';
export { PredictionServiceDefinition } from './gen/tensorflow_serving/apis/prediction_service.js';
export { StatusProto } from './gen/tensorflow_serving/util/status.js';
export { tfServingMethods } from './methods.js';
export { defaultSignature, formatModel, type ModelChoice, modelSpec } from './model-choice.js';
export {
  aboutModel,
  askModelStatus,
  askSignature,
  availableVersion,
  type ControlCalls,
  formatVersions,
  identifyServer,
  type ModelStatus,
  type ModelVersion,
  type ServerIdentity,
} from './model-control.js';
export {
  type ModelSignature,
  matchSignature,
  readSignature,
  type SignatureTensor,
  signatureField,
  type TensorTask,
  type WireTensors,
} from './model-signature.js';
export { predictError } from './predict-error.js';
export { type PredictCall, predictTemplate } from './predict-template.js';
export { readPredictResponse } from './read-predict-response.js';
