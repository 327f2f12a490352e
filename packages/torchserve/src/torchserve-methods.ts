/** The service that carries inferences. */
const service = 'org.pytorch.serve.grpc.inference.InferenceAPIsService';

/** Paths of the calls over gRPC that this suite makes. */
export const torchServeMethod = {
  ping: `/${service}/Ping`,
  predictions: `/${service}/Predictions`,
} as const;
