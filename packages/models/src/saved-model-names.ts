/** The tag under which servers look for a SavedModel's graph. */
export const serveTag = 'serve';

/** The signature that a request means which names none. */
export const defaultSignature = 'serving_default';
