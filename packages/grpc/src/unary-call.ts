import type { AibenchError, MessageBytes } from '@aibench/core';
import { ReceiveWindow, type SendWindow } from './flow-control.js';
import type { MessageCursor } from './message-cursor.js';
import { MessageReader } from './message-reader.js';
import type { RequestHead } from './request-head.js';

/** How much of an answer a server may send on before it hears of us again. Most answers are shorter. */
export const streamWindowBytes = 16_777_216;

/** A call that is refused once more has failed. */
const mostRefusals = 8;

/** What becomes of a call. */
export interface CallOutcome {
  readonly resolve: (message: Uint8Array) => void;
  readonly reject: (error: AibenchError) => void;
}

/** A call, from before it is sent until it has settled. */
export class UnaryCall {
  readonly head: RequestHead;
  readonly message: MessageBytes;
  readonly messageBytes: number;
  /** When it fails for want of an answer, in `performance.now()`'s time; Infinity for never. */
  readonly deadlineMs: number;
  readonly #outcome: CallOutcome;

  /** 0 until it is sent. */
  streamId = 0;
  /** What is left to send; undefined where all is sent. */
  unsent: MessageCursor | undefined;
  /** The stream's window for what is left to send. */
  sendWindow: SendWindow | undefined;
  readonly body: MessageReader;
  #receiveWindow: ReceiveWindow | undefined;
  /** Whether the answer has begun. */
  hasHeaders = false;
  isSettled = false;
  #refusals = 0;
  /** To be done when it has settled: to stop listening for a signal. */
  onSettled: (() => void) | undefined;

  constructor(
    head: RequestHead,
    message: MessageBytes,
    messageBytes: number,
    deadlineMs: number,
    maxAnswerBytes: number,
    outcome: CallOutcome,
  ) {
    this.head = head;
    this.message = message;
    this.messageBytes = messageBytes;
    this.deadlineMs = deadlineMs;
    this.body = new MessageReader(maxAnswerBytes);
    this.#outcome = outcome;
  }

  /**
   * For a server that has not looked at the call: makes it ready to be sent again, as gRPC has clients do ("gRPC Retry
   * Design", transparent retries), though a few times in place of one. gRPC's C core counts a call for a moment longer
   * than its client can, and refuses the next where it limits how many there are at once.
   */
  sendAgain(): boolean {
    if (this.#refusals === mostRefusals || this.hasHeaders) return false;
    this.#refusals += 1;
    this.streamId = 0;
    this.unsent = undefined;
    this.sendWindow = undefined;
    return true;
  }

  /** As {@link ReceiveWindow.take}, for the stream's own window. */
  takeWindow(bytes: number): number {
    this.#receiveWindow ??= new ReceiveWindow(streamWindowBytes);
    return this.#receiveWindow.take(bytes);
  }

  succeed(message: Uint8Array): void {
    if (this.#settle()) this.#outcome.resolve(message);
  }

  fail(error: AibenchError): void {
    if (this.#settle()) this.#outcome.reject(error);
  }

  #settle(): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    this.unsent = undefined;
    this.onSettled?.();
    return true;
  }
}
