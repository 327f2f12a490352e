import { ServerTensor } from '../inference/server-tensor.js';
import { StoredModel } from './stored-model.js';

/** What a key may hold: a string, a tensor, a model. */
export type StoredValue = Buffer | ServerTensor | StoredModel;

/** Names that `TYPE` gives to what a key holds; those of tensors and models are RedisAI's. */
export function typeName(value: StoredValue): 'string' | 'AI_TENSOR' | 'AI__MODEL' {
  if (value instanceof ServerTensor) return 'AI_TENSOR';
  return value instanceof StoredModel ? 'AI__MODEL' : 'string';
}

/** Size of a value in bytes, without what the runtime adds. */
export function valueSizeBytes(value: StoredValue): number {
  if (value instanceof ServerTensor) return value.data.byteLength;
  return value instanceof StoredModel ? value.model.file.bytes.byteLength : value.byteLength;
}

/** Scans that are remembered at once; an older one ends early, as if the cursor were unknown. */
const rememberedScans = 256;

/**
 * One database: keys with their values and times of expiry. Keys are binary, as
 * text of one character a byte (latin1).
 */
export class Keyspace {
  readonly #values = new Map<string, StoredValue>();
  readonly #expiresAtMs = new Map<string, number>();
  readonly #scans = new Map<number, IterableIterator<string>>();
  readonly #now: () => number;
  #nextScan = 1;
  /** Look-ups that found their key, and that did not, since the last reset. */
  hits = 0;
  misses = 0;
  /** Keys that have expired since the last reset. */
  expired = 0;

  /** @param now wall-clock time in ms since 1970, as `PEXPIREAT` means it */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Keys held, expired ones not counted. */
  get size(): number {
    this.removeExpired();
    return this.#values.size;
  }

  /** Keys that will expire. */
  get expiringSize(): number {
    return this.#expiresAtMs.size;
  }

  /** A key's value, counted as a hit or a miss. */
  get(key: string): StoredValue | undefined {
    const value = this.peek(key);
    if (value === undefined) this.misses += 1;
    else this.hits += 1;
    return value;
  }

  /** A key's value, not counted. */
  peek(key: string): StoredValue | undefined {
    if (this.#expiresAtMs.size > 0) this.#expire(key);
    return this.#values.get(key);
  }

  /** Whether the key holds anything. */
  has(key: string): boolean {
    return this.peek(key) !== undefined;
  }

  /** Sets a key's value; a time of expiry is dropped unless `keepExpiry`. */
  set(key: string, value: StoredValue, keepExpiry = false): void {
    if (!keepExpiry && this.#expiresAtMs.size > 0) this.#expiresAtMs.delete(key);
    this.#values.set(key, value);
  }

  /** Removes a key; whether there was one. */
  delete(key: string): boolean {
    if (this.#expiresAtMs.size > 0) {
      this.#expire(key);
      this.#expiresAtMs.delete(key);
    }
    return this.#values.delete(key);
  }

  /** When a key will expire, in ms since 1970; undefined where it won't. */
  expiresAtMs(key: string): number | undefined {
    return this.#expiresAtMs.get(key);
  }

  /** Sets when an existing key expires; one in the past removes it at the next look. undefined: never. */
  setExpiry(key: string, atMs: number | undefined): void {
    if (atMs === undefined) this.#expiresAtMs.delete(key);
    else this.#expiresAtMs.set(key, atMs);
  }

  /** All keys, expired ones left out. */
  keys(): IterableIterator<string> {
    this.removeExpired();
    return this.#values.keys();
  }

  /** Every key with its value. */
  entries(): IterableIterator<[string, StoredValue]> {
    this.removeExpired();
    return this.#values.entries();
  }

  /** Removes everything. */
  clear(): void {
    this.#values.clear();
    this.#expiresAtMs.clear();
    this.#scans.clear();
  }

  /** Removes what has expired. */
  removeExpired(): void {
    for (const key of this.#expiresAtMs.keys()) this.#expire(key);
  }

  /**
   * Goes on with a scan. Keys that are there from its beginning to its end are
   * returned exactly once.
   *
   * @param cursor 0 begins one; any other as the last call returned it
   * @param count how many keys to look at
   */
  scan(cursor: number, count: number): { readonly cursor: number; readonly keys: string[] } {
    const iterator = cursor === 0 ? this.keys() : this.#scans.get(cursor);
    this.#scans.delete(cursor);
    const keys: string[] = [];
    if (iterator === undefined) return { cursor: 0, keys };
    while (keys.length < count) {
      const { value, done } = iterator.next();
      if (done === true) return { cursor: 0, keys };
      keys.push(value);
    }
    const [oldest] = this.#scans.keys();
    if (this.#scans.size >= rememberedScans && oldest !== undefined) this.#scans.delete(oldest);
    const next = this.#nextScan++;
    this.#scans.set(next, iterator);
    return { cursor: next, keys };
  }

  #expire(key: string): void {
    const atMs = this.#expiresAtMs.get(key);
    if (atMs === undefined || atMs > this.#now()) return;
    this.#expiresAtMs.delete(key);
    this.#values.delete(key);
    this.expired += 1;
  }
}
