/**
 * Keys that sessions could not delete, because their connection was stuck or
 * lost when they ended. A later session of the same thread deletes them.
 */
export class Leftovers {
  readonly #keys = new Map<string, string[]>();

  /** @param address `host:port` where the keys are */
  add(address: string, keys: readonly string[]): void {
    this.#keys.set(address, [...(this.#keys.get(address) ?? []), ...keys]);
  }

  /** The keys left on a server, which are the caller's to delete from now on. */
  take(address: string): readonly string[] {
    const keys = this.#keys.get(address) ?? [];
    this.#keys.delete(address);
    return keys;
  }
}
