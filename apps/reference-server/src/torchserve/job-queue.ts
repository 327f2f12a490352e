/** What becomes of a request that is put to a queue: a worker has it, or none takes it. */
export type Place = 'worker' | 'none';

/**
 * Requests to a version of a model that wait for one of its workers, in order.
 * A worker answers as many at a time as its batch has room for.
 */
export class JobQueue {
  /** How many may wait: TorchServe's `job_queue_size`. */
  readonly capacity: number;
  readonly #batchSize: number;
  #workers = 0;
  #running = 0;
  #waiting: ((place: Place) => void)[] = [];

  constructor(batchSize: number, capacity: number) {
    this.#batchSize = batchSize;
    this.capacity = capacity;
  }

  /** Requests that wait. */
  get pending(): number {
    return this.#waiting.length;
  }

  /** Changes how many workers there are. Those that are at work finish it; with the last one, nobody waits any longer. */
  setWorkers(count: number): void {
    this.#workers = count;
    if (count === 0) for (const turnAway of this.#waiting.splice(0)) turnAway('none');
    this.#callNext();
  }

  /** Takes a request in, or turns it away where there is no worker or too many wait; a promise where it has to wait. */
  enter(): Place | Promise<Place> {
    if (this.#workers === 0) return 'none';
    if (this.#running < this.#workers * this.#batchSize) {
      this.#running += 1;
      return 'worker';
    }
    if (this.#waiting.length >= this.capacity) return 'none';
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A request that a worker had is answered. */
  leave(): void {
    this.#running -= 1;
    this.#callNext();
  }

  #callNext(): void {
    while (this.#waiting.length > 0 && this.#running < this.#workers * this.#batchSize) {
      this.#running += 1;
      this.#waiting.shift()!('worker');
    }
  }
}
