/** What this server calls itself in every protocol. */
export const productName = 'aibench-reference-server';
