import { AibenchError } from '@aibench/core';
import { type BodyKind, bodyKindOf, predictPath } from '@aibench/flask';
import { requestHeaders } from '@aibench/http';
import type { FlaskFlags } from './flags.js';

/** What all inferences have in common, as the flags say. */
export interface RequestForm {
  /** With its query. */
  readonly path: string;
  readonly body: BodyKind;
  /** What the user adds to every request, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** @throws AIBENCH_USAGE */
export function requestForm(values: FlaskFlags): RequestForm {
  const { body, model, restapiRequestUri: uri } = values;
  if (!/^\/[\x21-\x7e]*$/.test(uri) || uri.includes('#')) {
    throw new AibenchError('AIBENCH_USAGE', `--restapi-request-uri: "${uri}" is no path`, {
      hint: 'it begins with a slash and has no host: /v2/predict',
    });
  }
  return {
    path: predictPath(uri, model),
    body: body === 'auto' ? bodyKindOf(uri) : body,
    headers: requestHeaders({ lines: values.header, bearerToken: values.bearerToken }),
  };
}
