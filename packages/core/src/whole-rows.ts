import { AibenchError } from './errors.js';

/** A data file or stream, as far as its size is concerned. */
export interface RowBytes {
  /** For messages: a path, or `stdin`. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly rowSizeBytes: number;
  /** Whether bytes after the last whole row are passed over (`--allow-truncated`). */
  readonly allowTruncated: boolean;
}

/**
 * The whole rows of a data file.
 *
 * @throws AIBENCH_INPUT when it is empty or ends within a row; rows are numbered from 0, as their ids are
 */
export function wholeRows({ name, sizeBytes, rowSizeBytes, allowTruncated }: RowBytes): number {
  if (sizeBytes === 0) {
    throw new AibenchError('AIBENCH_INPUT', `${name} is empty`, {
      hint: 'aibench-generate-data writes data files',
    });
  }
  const rows = Math.floor(sizeBytes / rowSizeBytes);
  const restBytes = sizeBytes - rows * rowSizeBytes;
  if (restBytes === 0 || (allowTruncated && rows > 0)) return rows;
  const useWhole = rows > 0 ? `--allow-truncated uses the ${rows} whole rows before it; ` : '';
  throw new AibenchError(
    'AIBENCH_INPUT',
    `${name} ends within row ${rows} (counted from 0): ${restBytes} of its ${rowSizeBytes} bytes are there`,
    { hint: `${useWhole}is it a data file of this --use-case?` },
  );
}
