import { describe, expect, it } from 'vitest';
import { AibenchError } from './errors.js';
import { inputError, outputError } from './file-error.js';

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: something technical`), { code });
}

describe('inputError', () => {
  it('says in words why a file cannot be read, and keeps the cause', () => {
    const cause = systemError('EISDIR');
    const error = inputError('data', cause, 'see --file');
    expect(error).toMatchObject({ code: 'AIBENCH_INPUT', hint: 'see --file', cause });
    expect(error.message).toBe('cannot read data: it is a folder');
    expect(inputError('data', systemError('EACCES')).message).toBe('cannot read data: permission denied');
  });

  it('falls back on the message of an unknown cause and leaves its own errors alone', () => {
    expect(inputError('x', new Error('odd')).message).toBe('cannot read x: odd');
    const own = new AibenchError('AIBENCH_USAGE', 'mine');
    expect(inputError('x', own)).toBe(own);
  });
});

describe('outputError', () => {
  it('tells a missing folder from a full disk', () => {
    expect(outputError('a/b', systemError('ENOENT')).message).toBe(
      'cannot write a/b: its folder does not exist',
    );
    expect(outputError('b', systemError('ENOSPC'))).toMatchObject({
      code: 'AIBENCH_OUTPUT',
      message: 'cannot write b: the disk is full',
    });
  });
});
