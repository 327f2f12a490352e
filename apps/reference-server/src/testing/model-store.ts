import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@aibench/testing';
import { strToU8, zipSync } from 'fflate';
import { additionOnnx } from './test-models.js';

/** What an archive of a test is made of. */
export interface TestArchive {
  /** Default: `add`. */
  readonly name?: string;
  /** Default: `1.0`. */
  readonly version?: string;
  /** Default: the addition model. */
  readonly onnx?: Uint8Array;
}

/** An archive with an ONNX model in it, as torch-model-archiver packs it. */
export function packArchive({
  name = 'add',
  version = '1.0',
  onnx = additionOnnx,
}: TestArchive = {}): Uint8Array {
  const model = {
    modelName: name,
    serializedFile: 'model.onnx',
    handler: 'handler.py',
    modelVersion: version,
  };
  const manifest = { createdOn: '28/11/2026 09:00:00', runtime: 'python', model, archiverVersion: '0.12.0' };
  return zipSync({
    'MAR-INF/MANIFEST.json': strToU8(JSON.stringify(manifest)),
    'handler.py': strToU8('# not read\n'),
    'model.onnx': onnx,
  });
}

/** A folder of archives, removed after the test; by default the addition model's, add.mar. */
export function newModelStore(
  files: Readonly<Record<string, Uint8Array>> = { 'add.mar': packArchive() },
): string {
  const folder = temporaryFolder();
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return folder;
}
