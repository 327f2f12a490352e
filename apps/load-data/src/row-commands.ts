import { AibenchError, tensorSizeBytes } from '@aibench/core';
import { type CommandTemplate, commandTemplate, redisAiDtype, type TemplatePart } from '@aibench/redis';
import type { ReferenceSpec, UseCase } from '@aibench/usecases';

/** Which of a row's keys are written. */
export interface KeyChoice {
  readonly setBlob: boolean;
  readonly setTensor: boolean;
}

/** A command that each row of a use case is stored by. */
export interface RowCommand {
  readonly template: CommandTemplate;
  /** Where its data lies in a row, in bytes. */
  readonly start: number;
  readonly end: number;
}

/**
 * What a row is stored by: for each of its references a SET of the bytes and
 * an AI.TENSORSET of the same bytes as a tensor.
 *
 * @throws AIBENCH_USAGE when there is nothing to store
 */
export function rowCommands(useCase: UseCase, { setBlob, setTensor }: KeyChoice): RowCommand[] {
  if (useCase.references.length === 0) {
    throw new AibenchError('AIBENCH_USAGE', `the use case ${useCase.name} has no reference data to load`, {
      hint: 'it is run without this step; see --use-case',
    });
  }
  if (!setBlob && !setTensor) {
    throw new AibenchError('AIBENCH_USAGE', 'there is nothing to load without --set-blob and --set-tensor', {
      hint: 'leave one of them on',
    });
  }
  return useCase.references.flatMap((reference) => {
    const commands: RowCommand[] = [];
    const sizeBytes = tensorSizeBytes(reference);
    const blob = { blob: sizeBytes };
    // Found once: a view is made of it for every row, and millions of tensors would only be thrown away.
    const start = offsetInRow(reference, useCase.row.sizeBytes);
    const end = start + sizeBytes;
    if (setBlob) {
      commands.push({ start, end, template: commandTemplate(['SET', { key: reference.blobKey }, blob]) });
    }
    if (setTensor) {
      const key = { key: reference.tensorKey };
      const type = [redisAiDtype(reference.dtype), ...reference.storedShape.map(String)];
      commands.push({ start, end, template: commandTemplate(['AI.TENSORSET', key, ...type, 'BLOB', blob]) });
    }
    return commands;
  });
}

/** Where a reference's data lies in a row: the use case gives it as a view on the row. */
function offsetInRow(reference: ReferenceSpec, rowBytes: number): number {
  const row = new Uint8Array(rowBytes);
  return reference.read(row).data.byteOffset - row.byteOffset;
}

/** Counts the keys of one row that are there. They share a hash tag, so a cluster takes them in one command. */
export function existsCommand(useCase: UseCase, { setBlob, setTensor }: KeyChoice): CommandTemplate {
  const keys = useCase.references.flatMap((reference): TemplatePart[] => [
    ...(setBlob ? [{ key: reference.blobKey }] : []),
    ...(setTensor ? [{ key: reference.tensorKey }] : []),
  ]);
  return commandTemplate(['EXISTS', ...keys]);
}
