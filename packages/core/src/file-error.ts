import { AibenchError } from './errors.js';

/** What the operating system's and zlib's error codes mean, to a user. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'its folder is not a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a folder',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file is larger than the file system allows',
  EPIPE: 'the reader has closed the pipe',
  Z_BUF_ERROR: 'its gzip data is cut off',
  Z_DATA_ERROR: 'its gzip data is damaged',
};

function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  return reasons[code ?? ''] ?? message;
}

/** An AIBENCH_INPUT error with its reason in words; an AibenchError is returned as it is. */
export function inputError(path: string, cause: unknown, hint?: string): AibenchError {
  if (cause instanceof AibenchError) return cause;
  return new AibenchError('AIBENCH_INPUT', `cannot read ${path}: ${reasonOf(cause)}`, { hint, cause });
}

/** An AIBENCH_OUTPUT error with its reason in words; an AibenchError is returned as it is. */
export function outputError(path: string, cause: unknown): AibenchError {
  if (cause instanceof AibenchError) return cause;
  // What is missing is the folder: the file itself would be made.
  const missingFolder = (cause as NodeJS.ErrnoException).code === 'ENOENT';
  const reason = missingFolder ? 'its folder does not exist' : reasonOf(cause);
  return new AibenchError('AIBENCH_OUTPUT', `cannot write ${path}: ${reason}`, { cause });
}
