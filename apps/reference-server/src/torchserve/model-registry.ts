import { readdir } from 'node:fs/promises';
import type { LoadOptions } from '../inference/inference-model.js';
import { loadArchive } from './model-archive.js';
import { RegisteredVersion, type Registration } from './registered-version.js';
import { TorchServeError } from './torchserve-error.js';

/** What is registered under a name. */
interface RegisteredModel {
  readonly versions: Map<string, RegisteredVersion>;
  defaultVersion: string;
}

/** How a model is registered. */
export interface RegisterOptions extends Registration {
  /** Instead of the archive's own; empty for that. */
  readonly name: string;
  readonly workers: number;
}

/** TorchServe counts its workers from here. */
const firstWorkerId = 9_000;

/** The models that clients have registered. Errors are TorchServeErrors. */
export class ModelRegistry {
  readonly #store: string;
  readonly #load: LoadOptions;
  readonly #models = new Map<string, RegisteredModel>();
  #nextWorkerId = firstWorkerId;

  /** @param store folder of archives; empty for none */
  constructor(store: string, load: LoadOptions) {
    this.#store = store;
    this.#load = load;
  }

  /** Names of the archives in the store. */
  async archives(): Promise<string[]> {
    if (this.#store === '') return [];
    const files = await readdir(this.#store).catch(() => []);
    return files.filter((file) => file.endsWith('.mar')).sort();
  }

  /** Registers an archive of the store. */
  async register({ name, workers, ...registration }: RegisterOptions): Promise<RegisteredVersion> {
    const archive = await loadArchive(this.#store, registration.url, name, this.#load);
    const { modelName, version } = archive;
    const known = this.#models.get(modelName);
    if (known?.versions.has(version) === true) {
      throw new TorchServeError(
        409,
        'ConflictStatusException',
        `Model version ${version} is already registered for model ${modelName}`,
      );
    }
    const registered = new RegisteredVersion(archive, registration, () => this.#nextWorkerId++);
    registered.scale(workers, workers);
    const model = known ?? { versions: new Map(), defaultVersion: version };
    model.versions.set(version, registered);
    this.#models.set(modelName, model);
    return registered;
  }

  /** A version; the default one where none is named. */
  find(name: string, version: string): RegisteredVersion {
    const model = this.#find(name);
    const found = model.versions.get(version === '' ? model.defaultVersion : version);
    if (found === undefined) throw noVersion(name, version);
    return found;
  }

  /** Whether nothing is registered. */
  get isEmpty(): boolean {
    return this.#models.size === 0;
  }

  /** Whether anything is registered under a name. */
  has(name: string): boolean {
    return this.#models.has(name);
  }

  /** All versions of a model. */
  versions(name: string): RegisteredVersion[] {
    return [...this.#find(name).versions.values()];
  }

  /** The default version of every model, by name. */
  defaults(): [string, RegisteredVersion][] {
    return [...this.#models]
      .map(([name, { versions, defaultVersion }]): [string, RegisteredVersion] => [
        name,
        versions.get(defaultVersion)!,
      ])
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Makes a version the default. */
  setDefault(name: string, version: string): void {
    const model = this.#find(name);
    if (!model.versions.has(version)) {
      throw new TorchServeError(
        404,
        'ModelVersionNotFoundException',
        `Model version ${version} does not exist for model ${name}`,
      );
    }
    model.defaultVersion = version;
  }

  /** Drops a version; the default one where none is named. */
  unregister(name: string, version: string): void {
    const model = this.#find(name);
    const chosen = version === '' ? model.defaultVersion : version;
    if (chosen === model.defaultVersion && model.versions.size > 1) {
      throw new TorchServeError(
        403,
        'InvalidModelVersionException',
        `Cannot remove default version for model ${name}`,
      );
    }
    const dropped = model.versions.get(chosen);
    if (dropped === undefined) throw noVersion(name, chosen);
    dropped.scale(0, 0);
    model.versions.delete(chosen);
    if (model.versions.size === 0) this.#models.delete(name);
  }

  #find(name: string): RegisteredModel {
    const model = this.#models.get(name);
    if (model !== undefined) return model;
    throw new TorchServeError(404, 'ModelNotFoundException', `Model not found: ${name}`);
  }
}

function noVersion(name: string, version: string): TorchServeError {
  return new TorchServeError(
    404,
    'ModelVersionNotFoundException',
    `Model version: ${version} does not exist for model: ${name}`,
  );
}
