import { ModelServiceDefinition } from './gen/tensorflow_serving/apis/model_service.js';
import { PredictionServiceDefinition } from './gen/tensorflow_serving/apis/prediction_service.js';

/** Paths of TensorFlow Serving's gRPC methods: `/package.Service/Method`. */
export const tfServingMethods = {
  /** PredictRequest -> PredictResponse. */
  predict: pathOf(PredictionServiceDefinition, PredictionServiceDefinition.methods.predict),
  /** GetModelMetadataRequest -> GetModelMetadataResponse. */
  getModelMetadata: pathOf(PredictionServiceDefinition, PredictionServiceDefinition.methods.getModelMetadata),
  /** GetModelStatusRequest -> GetModelStatusResponse. */
  getModelStatus: pathOf(ModelServiceDefinition, ModelServiceDefinition.methods.getModelStatus),
} as const;

function pathOf(service: { readonly fullName: string }, method: { readonly name: string }): string {
  return `/${service.fullName}/${method.name}`;
}
