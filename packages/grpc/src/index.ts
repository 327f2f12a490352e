export {
  formatGrpcAddress,
  type GrpcAddress,
  type GrpcAddressOptions,
  type GrpcTls,
  parseGrpcAddress,
} from './grpc-address.js';
export type { CallOptions, GrpcClient, UnaryMethod } from './grpc-client.js';
export type { AnswerWithMetadata } from './grpc-js-client.js';
export { GrpcStatus, type GrpcStatusName, grpcStatusNames } from './grpc-status.js';
export {
  type ControlClient,
  type GrpcClientOptions,
  type GrpcImplementation,
  grpcImplementations,
  openControlClient,
  openGrpcClient,
} from './open-grpc-client.js';
export { SharedClients } from './shared-clients.js';
