import { GrpcError, type GrpcStatusName } from '../grpc/grpc-error.js';

/** The Java exceptions of TorchServe that this server's answers name, with their packages. */
const packages = {
  BadRequestException: 'org.pytorch.serve.http',
  ConflictStatusException: 'org.pytorch.serve.http',
  InternalServerException: 'org.pytorch.serve.http',
  InvalidModelException: 'org.pytorch.serve.archive.model',
  InvalidModelVersionException: 'org.pytorch.serve.http',
  MethodNotAllowedException: 'org.pytorch.serve.http',
  ModelNotFoundException: 'org.pytorch.serve.archive.model',
  ModelVersionNotFoundException: 'org.pytorch.serve.archive.model',
  ResourceNotFoundException: 'org.pytorch.serve.http',
  ServiceUnavailableException: 'org.pytorch.serve.http',
} as const;

/** One of them. */
export type ErrorType = keyof typeof packages;

/** A request that is answered with an error, in the form and, where it has any, the words of TorchServe. */
export class TorchServeError extends Error {
  override readonly name = 'TorchServeError';
  /** Of HTTP. */
  readonly status: number;
  readonly type: ErrorType;

  constructor(status: number, type: ErrorType, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.type = type;
  }

  /** What HTTP answers. */
  get body(): { readonly code: number; readonly type: string; readonly message: string } {
    return { code: this.status, type: this.type, message: this.message };
  }

  /** What gRPC answers: the name of the exception behind the message, and INTERNAL for whatever no handler has said. */
  asGrpcError(): GrpcError {
    switch (this.type) {
      case 'InternalServerException':
        return new GrpcError(grpcStatusOf(this.status), this.#named(), { cause: this });
      case 'ServiceUnavailableException':
        return new GrpcError('internal', `${this.message}\nInternalServerException.()`, { cause: this });
      case 'BadRequestException':
        return new GrpcError('internal', `${this.message}\nBadRequestException.()`, { cause: this });
      default:
        return new GrpcError('internal', this.#named(), { cause: this });
    }
  }

  #named(): string {
    return `${this.message}\n${packages[this.type]}.${this.type}`;
  }
}

/** What a handler's failure becomes over gRPC. */
function grpcStatusOf(status: number): GrpcStatusName {
  if (status === 400) return 'invalidArgument';
  if (status === 404) return 'notFound';
  return status === 503 ? 'unavailable' : 'internal';
}

/** A handler has refused a request or failed: the front end calls both so. */
export function handlerError(status: number, message: string, options?: ErrorOptions): TorchServeError {
  return new TorchServeError(status, 'InternalServerException', message, options);
}

/** A path that the port does not know. */
export function noResource(): TorchServeError {
  return new TorchServeError(
    404,
    'ResourceNotFoundException',
    'Requested resource is not found, please refer to API document.',
  );
}

/** A method that the path does not take. */
export function noMethod(): TorchServeError {
  return new TorchServeError(
    405,
    'MethodNotAllowedException',
    'Requested method is not allowed, please refer to API document.',
  );
}
