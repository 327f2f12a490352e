/** What is wrong with an answer, or that none has come. */
export type HttpFaultKind =
  /** It breaks HTTP/1. */
  | 'syntax'
  /** Its head is longer than any that is taken. */
  | 'longHead'
  /** Its body is longer than the caller takes. */
  | 'longBody'
  /** More has come than belongs to it. */
  | 'excess'
  /** It is not there in time. */
  | 'late'
  /** The connection is not there in time. */
  | 'lateConnection'
  /** The server has closed the connection. */
  | 'closed'
  /** This side has closed the connection. */
  | 'closedHere';

/** Why a connection of our own has to be given up. */
export class HttpFault extends Error {
  override readonly name = 'HttpFault';
  readonly kind: HttpFaultKind;

  constructor(kind: HttpFaultKind, message = '') {
    super(message);
    this.kind = kind;
  }
}
