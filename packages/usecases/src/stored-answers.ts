import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { AibenchError, dtypeSizeBytes, elementCount, inputError } from '@aibench/core';
import { type DataManifest, expectedPath } from './data-manifest.js';
import type { StoredAnswers } from './use-case.js';

/** Right answers in a file, open until it is closed. */
export interface ExpectedFile extends StoredAnswers {
  close(): void;
}

/**
 * Opens the right answers that lie beside a data file; undefined where its manifest tells of none.
 *
 * @throws AIBENCH_INPUT where the file is missing, or hasn't an answer for each row
 */
export function openExpected(dataPath: string, manifest: DataManifest | undefined): ExpectedFile | undefined {
  if (manifest?.expected === undefined) return undefined;
  const { dtype, shape, sizeBytes } = manifest.expected;
  const path = expectedPath(dataPath);
  const hint = 'make them again with aibench-generate-data --with-expected';
  const answerSizeBytes = elementCount(shape) * dtypeSizeBytes[dtype];
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    throw inputError(path, cause, hint);
  }
  const { size } = fstatSync(file);
  if (size !== sizeBytes || size !== manifest.rows * answerSizeBytes) {
    closeSync(file);
    const wanted = `${manifest.rows} answers of ${answerSizeBytes} bytes`;
    throw new AibenchError('AIBENCH_INPUT', `${path} has ${size} bytes, which are not ${wanted}`, { hint });
  }
  return {
    read(firstRow, rowCount) {
      const answers = new Uint8Array(rowCount * answerSizeBytes);
      const start = firstRow * answerSizeBytes;
      // Answers of some kilobytes, of a file that the system has in memory: quicker than any waiting.
      if (
        start + answers.length > size ||
        readSync(file, answers, 0, answers.length, start) !== answers.length
      ) {
        const rows = `rows ${firstRow} to ${firstRow + rowCount - 1}`;
        throw new AibenchError('AIBENCH_INPUT', `${path} holds no answers of ${rows}`, { hint });
      }
      return answers;
    },
    close: () => closeSync(file),
  };
}
