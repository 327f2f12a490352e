import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@aibench/testing';
import { additionOnnx } from './test-models.js';

/** The addition model's configuration, without its platform. */
export const additionConfig = `
input [
  { name: "a" data_type: TYPE_FP32 dims: [ -1, 2 ] },
  { name: "b" data_type: TYPE_FP32 dims: [ -1, 2 ] }
]
output [ { name: "sum" data_type: TYPE_FP32 dims: [ -1, 2 ] } ]`;

/** Writes files into a folder, removed after the test. */
export function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** A repository with the addition model `add`, version 1, as ONNX. */
export function newRepository(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const folder = temporaryFolder();
  writeFiles(folder, {
    'add/config.pbtxt': `platform: "onnxruntime_onnx"${additionConfig}`,
    'add/1/model.onnx': additionOnnx,
    ...files,
  });
  return folder;
}
