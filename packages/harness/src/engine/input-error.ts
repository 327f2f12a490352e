import { AibenchError } from '@aibench/core';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'its folder is not a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a folder',
};

/** An input that cannot be read, with the reason in words. */
export function inputError(path: string, cause: unknown, hint?: string): AibenchError {
  if (cause instanceof AibenchError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  return new AibenchError('AIBENCH_INPUT', `cannot read ${path}: ${reasons[code ?? ''] ?? message}`, {
    hint,
    cause,
  });
}
