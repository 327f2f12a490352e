import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { type InferenceModel, type LoadOptions, loadModel } from '../inference/inference-model.js';
import { ServerError } from '../inference/server-error.js';
import { TorchServeError } from './torchserve-error.js';

/** A model as it was packed. */
export interface ModelArchive {
  readonly modelName: string;
  readonly version: string;
  /** `python`, which this server has no need of: it runs the ONNX file that the handler would. */
  readonly runtime: string;
  readonly model: InferenceModel;
}

const manifestPath = 'MAR-INF/MANIFEST.json';

/**
 * Loads an archive out of the model store: its manifest and the ONNX file in it.
 *
 * @param url as it was registered, a file's name in the store
 * @param name the model's name instead of the archive's own; empty for that
 * @throws TorchServeError
 */
export async function loadArchive(
  store: string,
  url: string,
  name: string,
  options: LoadOptions,
): Promise<ModelArchive> {
  const files = unpack(await readArchive(store, url), url);
  const { model, runtime } = readManifest(files[manifestPath], url);
  const modelName = name || model?.modelName || '';
  if (modelName === '') throw invalidModel('Model name is not defined.');
  const onnx = files[model?.serializedFile ?? 'model.onnx'] ?? files['model.onnx'];
  if (onnx === undefined && !options.nullModel) {
    throw invalidModel(`${url} has no model.onnx: aibench-reference-server runs ONNX files only`);
  }
  try {
    const file = { format: 'ONNX', bytes: onnx ?? new Uint8Array(0), inputs: [], outputs: [] } as const;
    return {
      ...{ modelName, version: model?.modelVersion ?? '1.0', runtime: runtime ?? 'python' },
      model: await loadModel(file, options),
    };
  } catch (cause) {
    if (!(cause instanceof ServerError)) throw cause;
    throw invalidModel(`${url}: ${cause.message}`, { cause });
  }
}

async function readArchive(store: string, url: string): Promise<Uint8Array> {
  if (store === '') throw notFound('Model store has not been configured.');
  if (url.includes('..')) throw notFound(`Relative path is not allowed in url: ${url}`);
  if (/^[a-z][a-z0-9+.-]*:/i.test(url)) {
    throw notFound(`Given URL ${url} does not match any allowed URL(s)`);
  }
  try {
    return await readFile(join(store, url));
  } catch (cause) {
    throw notFound(`Model not found at: ${url}`, { cause });
  }
}

function unpack(bytes: Uint8Array, url: string): Record<string, Uint8Array> {
  try {
    return unzipSync(bytes);
  } catch (cause) {
    throw invalidModel(`${url} is no archive: ${(cause as Error).message}`, { cause });
  }
}

/** What is read of a manifest. */
interface Manifest {
  readonly runtime?: string;
  readonly model?: {
    readonly modelName?: string;
    readonly modelVersion?: string;
    readonly serializedFile?: string;
  };
}

function readManifest(bytes: Uint8Array | undefined, url: string): Manifest {
  if (bytes === undefined) return {};
  try {
    const manifest = JSON.parse(Buffer.from(bytes).toString()) as Manifest | null;
    if (typeof manifest === 'object' && manifest !== null) return manifest;
  } catch {
    // Told below.
  }
  throw invalidModel(`${url} has no readable ${manifestPath}`);
}

function notFound(message: string, options?: ErrorOptions): TorchServeError {
  return new TorchServeError(404, 'ModelNotFoundException', message, options);
}

function invalidModel(message: string, options?: ErrorOptions): TorchServeError {
  return new TorchServeError(400, 'InvalidModelException', message, options);
}
