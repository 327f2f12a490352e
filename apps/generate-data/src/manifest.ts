/** Version of {@link DataManifest}; goes up when a key changes its meaning or goes away. */
export const manifestVersion = 1;

/**
 * What a data file holds and how it was made: `<data file>.manifest.json`. The
 * same settings give the same manifest, to the byte.
 */
export interface DataManifest {
  readonly manifestVersion: typeof manifestVersion;
  /** Version of the suite that wrote the file. */
  readonly suiteVersion: string;
  readonly useCase: string;
  readonly format: 'redisai';
  readonly rows: number;
  readonly rowSizeBytes: number;
  readonly sizeBytes: number;
  /** Of the data file, in hexadecimal. */
  readonly sha256: string;
  /** The seed that gives these bytes again, never 0. */
  readonly seed: number;
  /** `synthetic`, or the path of the input as it was given. */
  readonly source: string;
  /** Rows asked for over all groups; 0 is one pass over the input. */
  readonly maxTransactions: number;
  /** Which rows of them the file holds: those whose id is `id` modulo `count`. */
  readonly group: { readonly id: number; readonly count: number };
}

/** Where the manifest of a data file lies. */
export function manifestPath(dataPath: string): string {
  return `${dataPath}.manifest.json`;
}

/** A manifest as it is written. */
export function renderManifest(manifest: DataManifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
