import { type MessageBytes, type MessagePart, PatchedMessage, type TensorSpec } from '@aibench/core';

/**
 * Stands between the parts. No data can be looked through for it inside the
 * clock, so it is one that no data of numbers is likely to have: 128 random bits.
 */
const boundary = 'aibench-5b0f6c2ad8934e17b3a1c47f92e60d18';

/**
 * A multipart/form-data body (RFC 7578) with a file for each tensor: its raw
 * little-endian bytes, under the tensor's name.
 */
export class MultipartTemplate {
  /** Headers of such a request. */
  readonly headers = { 'content-type': `multipart/form-data; boundary=${boundary}` } as const;
  /** Size of a body in bytes. */
  readonly sizeBytes: number;
  readonly #message: PatchedMessage;

  /** @param tensors in the order in which their data is given */
  constructor(tensors: readonly TensorSpec[]) {
    const parts = tensors.flatMap((spec, i): MessagePart[] => [
      Buffer.from(`${i === 0 ? '' : '\r\n'}--${boundary}\r\n${partHead(spec.name)}`),
      spec,
    ]);
    this.#message = new PatchedMessage([...parts, Buffer.from(`\r\n--${boundary}--\r\n`)]);
    this.sizeBytes = this.#message.sizeBytes;
  }

  /**
   * The body with these tensors in it; large ones are not copied.
   *
   * @param data of each tensor, in the order of the tensors
   * @throws AIBENCH_INPUT where one has the wrong size
   */
  encode(data: readonly Uint8Array[]): MessageBytes {
    return this.#message.encode(data);
  }
}

function partHead(name: string): string {
  // What would end the quotes or the line is written as RFC 7578, section 2, and HTML's form encoding have it.
  const quoted = `"${name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A')}"`;
  return (
    `Content-Disposition: form-data; name=${quoted}; filename=${quoted}\r\n` +
    'Content-Type: application/octet-stream\r\n\r\n'
  );
}
