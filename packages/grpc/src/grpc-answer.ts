import { AibenchError } from '@aibench/core';
import {
  decodeGrpcMessage,
  type GrpcStatusName,
  type StatusContext,
  statusError,
  statusOfHttp,
  statusOfReset,
} from './grpc-status.js';
import { http2ErrorName } from './http2-protocol.js';
import type { BodyFault, MessageReader } from './message-reader.js';
import { maxHeaderListBytes, type ResponseHeaders } from './response-headers.js';

/** What is wrong with the headers that an answer begins with; undefined where it is gRPC. */
export function headersFault(context: StatusContext, headers: ResponseHeaders): AibenchError | undefined {
  if (headers.isTooLong) {
    const message = `answers with more than ${maxHeaderListBytes} bytes of headers`;
    return answerError(context, message, 'RESOURCE_EXHAUSTED');
  }
  // An answer with a status is gRPC, whatever else it says.
  if (headers.grpcStatus !== undefined) return undefined;
  const { httpStatus, contentType } = headers;
  if (httpStatus !== 200) {
    const status = statusOfHttp(httpStatus);
    const told =
      httpStatus === 0 ? 'answers without an HTTP status' : `answers with HTTP status ${httpStatus}`;
    const code = status === 'UNAVAILABLE' ? 'AIBENCH_CONNECTION' : 'AIBENCH_ANSWER';
    return new AibenchError(code, `${context.address} ${told}, which is no gRPC`, {
      hint: `is it a gRPC server? see ${context.flag}`,
      status,
    });
  }
  if (!contentType.startsWith('application/grpc')) {
    const told = contentType === '' ? 'no content type' : `content type ${contentType.slice(0, 100)}`;
    return answerError(context, `answers with ${told}, which is no gRPC`, 'UNKNOWN', 'is it a gRPC server? ');
  }
  return undefined;
}

/** What a call comes to whose answer is over: the message, or the error. */
export function outcomeOf(
  context: StatusContext,
  trailers: ResponseHeaders,
  body: MessageReader,
): Uint8Array | AibenchError {
  if (trailers.isTooLong) return headersFault(context, trailers)!;
  const status = trailers.grpcStatus;
  if (status === undefined) return answerError(context, 'ended an answer without a status', 'INTERNAL');
  if (status !== 0) return statusError(context, status, decodeGrpcMessage(trailers.grpcMessage));
  if (body.message !== undefined) return body.message;
  const told = body.isEmpty ? 'answered without a message' : 'ended an answer within its message';
  return answerError(context, told, 'INTERNAL');
}

/** The error for a body that isn't one message. */
export function bodyError(context: StatusContext, fault: BodyFault, body: MessageReader): AibenchError {
  switch (fault) {
    case 'compressed':
      return answerError(context, 'compressed its answer, though it was not offered to', 'INTERNAL');
    case 'tooLong':
      return answerError(
        context,
        `answers with ${body.lengthBytes} bytes, more than are taken`,
        'RESOURCE_EXHAUSTED',
      );
    case 'notOne':
      return answerError(context, 'answered with more than one message', 'INTERNAL');
  }
}

/** The error for RST_STREAM. */
export function resetError(context: StatusContext, errorCode: number, isOverdue: boolean): AibenchError {
  const status = statusOfReset(errorCode);
  // A server that keeps the deadline may just cancel.
  if (isOverdue && status === 'CANCELLED') return deadlineError(context);
  const code = status === 'UNAVAILABLE' ? 'AIBENCH_CONNECTION' : 'AIBENCH_SERVER';
  return new AibenchError(code, `${context.address} ended a call with ${http2ErrorName(errorCode)}`, {
    status,
  });
}

/** The error for a call that is over time. */
export function deadlineError({ address }: StatusContext): AibenchError {
  return new AibenchError('AIBENCH_TIMEOUT', `${address} did not answer in time`, {
    status: 'DEADLINE_EXCEEDED',
  });
}

/** The error for a call whose signal was aborted. */
export function cancelledError({ address }: StatusContext, cause: unknown): AibenchError {
  return new AibenchError('AIBENCH_INTERRUPTED', `a call to ${address} was cancelled`, {
    status: 'CANCELLED',
    cause,
  });
}

/** The error for something that isn't gRPC. */
function answerError(
  { address, flag }: StatusContext,
  message: string,
  status: GrpcStatusName,
  question = '',
): AibenchError {
  return new AibenchError('AIBENCH_ANSWER', `${address} ${message}`, {
    hint: `${question}see ${flag}`,
    status,
  });
}
