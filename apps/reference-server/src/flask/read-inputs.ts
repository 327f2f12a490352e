import { formBoundary, readFormParts } from '../http/multipart-body.js';
import { badInput } from './flask-error.js';

/** A request's inputs by name: lists of numbers, or bytes. */
export type RequestInputs<T> = ReadonlyMap<string, T>;

/** Reads the body of `/v1/predict`. @throws FlaskError */
export function readJsonInputs(body: Buffer): RequestInputs<unknown> {
  let json: unknown;
  let text = '';
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    json = JSON.parse(text);
  } catch {
    const constant = /-?Infinity|NaN/.exec(text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""'))?.[0];
    throw badInput(`the body is not JSON${constant === undefined ? '' : `: ${constant} is no number`}`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw badInput('the body is no JSON object of inputs');
  }
  return new Map(Object.entries(json));
}

/** Reads the body of `/v2/predict`. @throws FlaskError */
export function readMultipartInputs(contentType: string | undefined, body: Buffer): RequestInputs<Buffer> {
  const boundary = formBoundary(contentType);
  const parts = boundary === undefined ? undefined : readFormParts(body, boundary);
  if (parts === undefined) throw badInput('the body is not multipart/form-data');
  const text = parts.find(({ isFile }) => !isFile);
  if (text !== undefined) throw badInput(`input "${text.name}" is no file: its part has no filename`);
  const inputs = new Map<string, Buffer>();
  for (const { name, bytes } of parts) {
    if (inputs.has(name)) throw badInput(`input "${name}" comes twice`);
    inputs.set(name, bytes);
  }
  return inputs;
}
