export type { CallOptions, GrpcClient, GrpcMessage, UnaryMethod } from './grpc-client.js';
