/** A request that the service refuses, or cannot answer: an HTTP status and the reason. */
export class FlaskError extends Error {
  override readonly name = 'FlaskError';
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** What is wrong with a request's input. */
export function badInput(message: string): FlaskError {
  return new FlaskError(400, message);
}
