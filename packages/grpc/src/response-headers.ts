import { fieldOverheadBytes } from './hpack-decoder.js';
import type { HeaderField } from './hpack-static-table.js';

/** Fields of one block that come to more than this are not looked at; announced in SETTINGS_MAX_HEADER_LIST_SIZE. */
export const maxHeaderListBytes = 65_536;

/** What a unary call needs of a block of headers or trailers. Used again for each block of a connection. */
export class ResponseHeaders {
  /** `:status`; 0 where there is none, as in trailers. */
  httpStatus = 0;
  contentType = '';
  /** `grpc-status`; undefined where there is none. A text that is no number counts as UNKNOWN. */
  grpcStatus: number | undefined = undefined;
  /** `grpc-message`, still percent-encoded. */
  grpcMessage = '';
  #listBytes = 0;

  /** Whether there was more than {@link maxHeaderListBytes}. */
  get isTooLong(): boolean {
    return this.#listBytes > maxHeaderListBytes;
  }

  clear(): void {
    this.httpStatus = 0;
    this.contentType = '';
    this.grpcStatus = undefined;
    this.grpcMessage = '';
    this.#listBytes = 0;
  }

  readonly add = ({ name, value }: HeaderField): void => {
    this.#listBytes += name.length + value.length + fieldOverheadBytes;
    if (this.isTooLong) return;
    switch (name) {
      case ':status':
        this.httpStatus = Number(value);
        break;
      case 'content-type':
        this.contentType = value;
        break;
      case 'grpc-status':
        this.grpcStatus = /^\d{1,9}$/.test(value) ? Number(value) : 2;
        break;
      case 'grpc-message':
        this.grpcMessage = value;
        break;
    }
  };
}
