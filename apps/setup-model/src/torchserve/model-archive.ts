import { readFile } from 'node:fs/promises';
import { AibenchError, type TensorSpec } from '@aibench/core';
import { strFromU8, unzipSync, zipSync } from 'fflate';

/** TorchServe's handler for the suite's models; it goes into every archive. */
const handlerPath = new URL('../../src/torchserve/handler.py', import.meta.url);
const manifestPath = 'MAR-INF/MANIFEST.json';

/** TorchServe warns of archives that don't say which torch-model-archiver made them, and when. */
const archiverVersion = '0.12.0';
const fixedTime = '01/01/1980 00:00:00';

/** What goes into an archive. */
export interface ArchivedModel {
  /** Name under which TorchServe registers it where it is given no other. */
  readonly name: string;
  readonly version: string;
  /** `onnx`, or `pt` for TorchScript. */
  readonly format: 'onnx' | 'pt';
  readonly bytes: Uint8Array;
  /** What it takes and gives, in its own order; -1 is a free extent. */
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Threads within an operator; 0 leaves them to what runs the model. */
  readonly intraOpThreads: number;
}

/**
 * Writes a model archive: a zip file with the model, the handler that runs it, a description for the handler, and the
 * manifest, in which TorchServe finds the two.
 */
export async function writeModelArchive(model: ArchivedModel): Promise<Uint8Array> {
  const { name, version, format, bytes, inputs, outputs, intraOpThreads } = model;
  const modelFile = `model.${format}`;
  const manifest = {
    runtime: 'python',
    archiverVersion,
    createdOn: fixedTime,
    model: { modelName: name, modelVersion: version, serializedFile: modelFile, handler: 'handler.py' },
  };
  const description = { inputs: inputs.map(pick), outputs: outputs.map(pick), intraOpThreads };
  return zipSync(
    {
      [manifestPath]: json(manifest),
      'model.json': json(description),
      'handler.py': await readFile(handlerPath),
      [modelFile]: bytes,
    },
    // The same model gives the same bytes: as its time every file has the earliest that zip knows, in local time as
    // zip has it, and none is compressed, which weights hardly profit from.
    { level: 0, mtime: new Date(1980, 0, 1) },
  );
}

/**
 * The version that an archive of the user's own says it is.
 *
 * @throws AIBENCH_INPUT where it is no model archive
 */
export function archivedVersion(path: string, bytes: Uint8Array): string {
  try {
    const files = unzipSync(bytes, { filter: ({ name }) => name === manifestPath });
    const manifest = JSON.parse(strFromU8(files[manifestPath] ?? new Uint8Array())) as Manifest;
    const version = manifest.model?.modelVersion;
    if (typeof version === 'string' && version !== '') return version;
  } catch {
    // Said below.
  }
  throw new AibenchError(
    'AIBENCH_INPUT',
    `${path} is no model archive: it has no ${manifestPath} with a version`,
    {
      hint: '--model-file takes a .mar, as torch-model-archiver writes it, a .onnx or a .pt',
    },
  );
}

interface Manifest {
  readonly model?: { readonly modelVersion?: unknown };
}

function pick({ name, dtype, shape }: TensorSpec): TensorSpec {
  return { name, dtype, shape };
}

function json(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`);
}
