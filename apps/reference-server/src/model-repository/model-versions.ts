import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorLine } from '@aibench/core';

/** A version that was loaded, or why it could not be. */
export type LoadedVersion<T> = { readonly model: T } | { readonly error: string };

/**
 * Loads a version.
 *
 * @param folder the version's own
 * @throws where it cannot be loaded; the message is kept
 */
export type LoadVersion<T> = (name: string, version: number, folder: string) => Promise<T>;

/**
 * Models in a folder in the layout that TensorFlow Serving and Triton share,
 * `<name>/<version>/`, and what has been loaded of them. Versions are whole
 * numbers from 1; other folders are passed over.
 */
export class ModelVersions<T> {
  /** Empty where there is none. */
  readonly #folder: string;
  readonly #load: LoadVersion<T>;
  readonly #models = new Map<string, Map<number, LoadedVersion<T>>>();
  readonly #scans = new Map<string, Promise<void>>();

  constructor(folder: string, load: LoadVersion<T>) {
    this.#folder = folder;
    this.#load = load;
  }

  /** Names of all models of which a version was found. */
  get names(): string[] {
    return [...this.#models.keys()].sort();
  }

  /** What is known of a model's versions, ascending; empty where nothing is. */
  versions(name: string): [number, LoadedVersion<T>][] {
    return [...(this.#models.get(name) ?? [])].sort(([a], [b]) => a - b);
  }

  /** A version that can answer; without a version the highest. */
  find(name: string, version: number | undefined): T | undefined {
    const versions = this.#models.get(name);
    if (versions === undefined) return undefined;
    const number = version ?? highestLoaded(versions);
    const found = number === undefined ? undefined : versions.get(number);
    return found !== undefined && 'model' in found ? found.model : undefined;
  }

  /** Names of the folders in which models may lie, whether loaded or not. */
  async folders(): Promise<string[]> {
    return (await subfolders(this.#folder)).sort();
  }

  /** Looks all models up. */
  async scanAll(): Promise<void> {
    const names = new Set([...(await this.folders()), ...this.#models.keys()]);
    await Promise.all([...names].map((name) => this.scan(name)));
  }

  /** Loads versions of a model that are new, or that could not be loaded before; drops those that are gone. */
  scan(name: string): Promise<void> {
    let scan = this.#scans.get(name);
    if (scan === undefined) {
      scan = this.#scan(name, this.#models.get(name)).finally(() => this.#scans.delete(name));
      this.#scans.set(name, scan);
    }
    return scan;
  }

  /** Loads all versions of a model anew; until that is done the ones before go on answering. */
  reload(name: string): Promise<void> {
    return this.#scan(name, undefined);
  }

  /** Drops all versions of a model. */
  forget(name: string): void {
    this.#models.delete(name);
  }

  /** @param known versions that need not be loaded again */
  async #scan(name: string, known: ReadonlyMap<number, LoadedVersion<T>> | undefined): Promise<void> {
    if (!isFolderName(name)) return;
    const folder = join(this.#folder, name);
    const numbers = this.#folder === '' ? [] : (await subfolders(folder)).filter(isVersion).map(Number);
    const versions = await Promise.all(
      numbers.map(async (version): Promise<[number, LoadedVersion<T>]> => {
        const before = known?.get(version);
        if (before !== undefined && 'model' in before) return [version, before];
        return [version, await this.#tryToLoad(name, version, join(folder, String(version)))];
      }),
    );
    if (versions.length === 0) this.#models.delete(name);
    else this.#models.set(name, new Map(versions));
  }

  async #tryToLoad(name: string, version: number, folder: string): Promise<LoadedVersion<T>> {
    try {
      return { model: await this.#load(name, version, folder) };
    } catch (error) {
      return { error: errorLine(error) };
    }
  }
}

function highestLoaded(versions: ReadonlyMap<number, LoadedVersion<unknown>>): number | undefined {
  let highest: number | undefined;
  for (const [version, loaded] of versions) {
    if ('model' in loaded && (highest === undefined || version > highest)) highest = version;
  }
  return highest;
}

/** A name comes from a client: it must not lead out of the folder. */
function isFolderName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name);
}

function isVersion(name: string): boolean {
  return /^[1-9]\d{0,14}$/.test(name);
}

async function subfolders(folder: string): Promise<string[]> {
  if (folder === '') return [];
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map(({ name }) => name);
  } catch {
    // Not there yet, or gone: nothing to serve.
    return [];
  }
}
