import { GrpcError } from '../grpc/grpc-error.js';
import type { MaybePromise } from '../inference/inference-engine.js';
import type { InferenceModel, LoadOptions } from '../inference/inference-model.js';
import { absentModel } from '../model-repository/absent-model.js';
import { ModelVersions } from '../model-repository/model-versions.js';
import { loadRepositoryModel, type TritonModel } from './load-repository-model.js';

/** How the repository is served. */
export interface RepositoryOptions {
  /** Empty: no models. */
  readonly folder: string;
  readonly load: LoadOptions;
  /** Whether only models that a client loads are served; otherwise all are. */
  readonly isExplicit: boolean;
}

/** An entry of the repository's index. */
export interface IndexEntry {
  readonly name: string;
  /** Empty where the model was never loaded. */
  readonly version: string;
  readonly state: '' | 'READY' | 'UNAVAILABLE';
  readonly reason: string;
}

/** The models of Triton's repository, and the errors that it words for those that are not there. */
export class TritonRepository {
  /** What answers for every model that is not there; undefined unless the null model does. */
  readonly absent: InferenceModel | undefined;
  readonly #isExplicit: boolean;
  readonly #models: ModelVersions<TritonModel>;
  /** Versions by the name of a model that was unloaded. */
  readonly #unloaded = new Map<string, readonly number[]>();

  constructor({ folder, isExplicit, load }: RepositoryOptions) {
    this.#isExplicit = isExplicit;
    this.absent = absentModel(load);
    this.#models = new ModelVersions(folder, (name, version, path) =>
      loadRepositoryModel(name, version, path, load),
    );
  }

  /** Loads what is served from the start. */
  async start(): Promise<void> {
    if (!this.#isExplicit) await this.#models.scanAll();
  }

  /**
   * A model by name and version, the empty version being the highest; the null model's stand-in is undefined.
   *
   * @throws GrpcError in Triton's words, also as a rejection
   */
  find(name: string, versionText: string): MaybePromise<TritonModel | undefined> {
    const version = parseVersion(versionText);
    return this.#models.find(name, version) ?? this.#search(name, version);
  }

  async #search(name: string, version: number | undefined): Promise<TritonModel | undefined> {
    // Triton would not look again; so that a model which was just set up is found, this server does.
    if (!this.#isExplicit) await this.#models.scan(name);
    const found = this.#models.find(name, version);
    if (found !== undefined || this.absent !== undefined) return found;
    const known = this.#knownVersions(name);
    if (known.length === 0) throw unknown('notFound', `'${name}' is not found`);
    if (version === undefined) throw unknown('notFound', `'${name}' has no available versions`);
    if (!known.includes(version)) throw unknown('notFound', `'${name}' version ${version} is not found`);
    throw unknown('unavailable', `'${name}' version ${version} is not at ready state`);
  }

  /** Versions of a model that take inferences, ascending. */
  readyVersions(name: string): TritonModel[] {
    return this.#models.versions(name).flatMap(([, loaded]) => ('model' in loaded ? [loaded.model] : []));
  }

  /** All versions of all models that take inferences. */
  allReady(): TritonModel[] {
    return this.#models.names.flatMap((name) => this.readyVersions(name));
  }

  /** All models, whether loaded or not. */
  async index(readyOnly: boolean): Promise<IndexEntry[]> {
    if (!this.#isExplicit) await this.#models.scanAll();
    const names = new Set([...(await this.#models.folders()), ...this.#models.names]);
    const entries = [...names].sort().flatMap((name) => this.#indexOf(name));
    return readyOnly ? entries.filter(({ state }) => state === 'READY') : entries;
  }

  #indexOf(name: string): IndexEntry[] {
    const versions = this.#models.versions(name);
    if (versions.length > 0) {
      return versions.map(([version, loaded]) => ({
        ...{ name, version: String(version) },
        ...('error' in loaded
          ? { state: 'UNAVAILABLE', reason: loaded.error }
          : { state: 'READY', reason: '' }),
      }));
    }
    const unloaded = this.#unloaded.get(name);
    if (unloaded === undefined) return [{ name, version: '', state: '', reason: '' }];
    return unloaded.map((version) => ({
      ...{ name, version: String(version) },
      ...{ state: 'UNAVAILABLE', reason: 'unloaded' },
    }));
  }

  /**
   * Loads a model, or loads it anew.
   *
   * @throws GrpcError in Triton's words
   */
  async load(name: string): Promise<void> {
    this.#checkExplicit();
    await this.#models.reload(name);
    const versions = this.#models.versions(name);
    if (versions.length === 0) {
      throw new GrpcError('internal', `failed to load '${name}', failed to poll from model repository`);
    }
    this.#unloaded.delete(name);
    const failed = versions.flatMap(([version, loaded]) =>
      'error' in loaded ? [`version ${version} is at UNAVAILABLE state: ${loaded.error};`] : [],
    );
    if (failed.length > 0) {
      throw new GrpcError('invalidArgument', `load failed for model '${name}': ${failed.join(' ')}`);
    }
  }

  /**
   * Unloads a model; one that is not loaded stays so.
   *
   * @throws GrpcError where models are not controlled by clients
   */
  unload(name: string): void {
    this.#checkExplicit();
    const versions = this.#models.versions(name).map(([version]) => version);
    if (versions.length > 0) this.#unloaded.set(name, versions);
    this.#models.forget(name);
  }

  #knownVersions(name: string): readonly number[] {
    const versions = this.#models.versions(name).map(([version]) => version);
    return versions.length > 0 ? versions : (this.#unloaded.get(name) ?? []);
  }

  #checkExplicit(): void {
    if (this.#isExplicit) return;
    throw new GrpcError('unavailable', 'explicit model load / unload is not allowed if polling is enabled');
  }
}

/**
 * A version as requests name it.
 *
 * @returns undefined for the empty one, the highest
 * @throws GrpcError in Triton's words
 */
export function parseVersion(text: string): number | undefined {
  if (text === '') return undefined;
  const version = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(version)) return version;
  throw new GrpcError(
    'invalidArgument',
    `failed to get model version from specified version string '${text}', version should be an integral value > 0`,
  );
}

function unknown(status: 'notFound' | 'unavailable', reason: string): GrpcError {
  return new GrpcError(status, `Request for unknown model: ${reason}`);
}
