/**
 * A failure that a client is told of: its request was wrong, or the model could
 * not be loaded or run. Each protocol puts the message into its own form.
 */
export class ServerError extends Error {
  override readonly name = 'ServerError';
}
