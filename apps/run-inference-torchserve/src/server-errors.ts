import { AibenchError } from '@aibench/core';
import { type HttpAnswer, statusError } from '@aibench/http';

const missingModel =
  'set the model up with aibench-setup-model --server torchserve, or name another with --model';
const otherInputs =
  'does the handler take these inputs? see --body, --model and --enable-reference-data-redis';
const noWorker =
  "the model has no worker, its handler failed, or more requests wait than the server's job_queue_size: give it workers, lower --workers, or see its log";
const wrongToken =
  "the key for inferences stands in the server's key_file.json: pass it in AIBENCH_BEARER_TOKEN";

/** What helps against an answer that is no success. */
function hintFor(status: string, words: string): string | undefined {
  if (/token authorization/i.test(words)) return wrongToken;
  switch (status) {
    case '404':
    case 'NOT_FOUND':
      return missingModel;
    case '400':
    case 'INVALID_ARGUMENT':
      return otherInputs;
    case '503':
    case 'UNAVAILABLE':
      return noWorker;
    default:
      return undefined;
  }
}

/** The error for an answer over HTTP that is no success. */
export function answerError(address: string, answer: HttpAnswer): AibenchError {
  const hint = hintFor(String(answer.status), answer.body.toString('utf8', 0, 1_000));
  return statusError(address, answer, hint === missingModel ? `${hint} or --torchserve-request-uri` : hint);
}

/** Java exceptions whose name TorchServe puts behind the message of a call's status. */
const exceptionName = /\s*(?:org\.pytorch\.serve\.[\w.]+|\w+Exception\.\(\))\s*$/;

/**
 * A failed call as what it is: TorchServe answers UNAVAILABLE where a handler
 * failed, which elsewhere means that the connection is of no more use, and
 * INTERNAL for a model that is missing. Others stay as they are.
 */
export function callError(error: AibenchError): AibenchError {
  const { message, status = '' } = error;
  if (status === 'PERMISSION_DENIED') {
    return new AibenchError(error.code, message, { status, hint: hintFor(status, message), cause: error });
  }
  if (!exceptionName.test(message)) return error;
  const words = message.replace(exceptionName, '').replaceAll(/\s+/g, ' ');
  const isMissing = /Model(Version)?NotFoundException\s*$/.test(message);
  const isBusy = /has no worker/.test(words);
  const hint = isMissing ? missingModel : isBusy ? noWorker : hintFor(status, words);
  return new AibenchError('AIBENCH_SERVER', words, { status, hint, cause: error });
}

/** The same for an inference, whose limit has a flag of its own. */
export function predictionError(error: AibenchError): AibenchError {
  if (error.code !== 'AIBENCH_TIMEOUT') return callError(error);
  const { code, message, status } = error;
  return new AibenchError(code, message, { status, hint: 'see --torchserve-read-timeout', cause: error });
}
