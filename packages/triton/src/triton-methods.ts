/** The service that carries all calls; the Open Inference Protocol's own name for it. */
const service = 'inference.GRPCInferenceService';

/**
 * Paths of the calls: `/inference.GRPCInferenceService/ModelInfer`. The first
 * six are the Open Inference Protocol's, which servers other than Triton have
 * too; the others are Triton's extensions.
 */
export const tritonMethod = {
  serverLive: `/${service}/ServerLive`,
  serverReady: `/${service}/ServerReady`,
  modelReady: `/${service}/ModelReady`,
  serverMetadata: `/${service}/ServerMetadata`,
  modelMetadata: `/${service}/ModelMetadata`,
  modelInfer: `/${service}/ModelInfer`,
  modelConfig: `/${service}/ModelConfig`,
  modelStatistics: `/${service}/ModelStatistics`,
  repositoryIndex: `/${service}/RepositoryIndex`,
  repositoryModelLoad: `/${service}/RepositoryModelLoad`,
  repositoryModelUnload: `/${service}/RepositoryModelUnload`,
} as const;

/** A call that this suite makes. */
export type TritonMethod = keyof typeof tritonMethod;
