import { JobQueue } from './job-queue.js';
import type { ModelArchive } from './model-archive.js';

/** How a version was registered. */
export interface Registration {
  /** As clients gave it. */
  readonly url: string;
  readonly batchSize: number;
  readonly maxBatchDelayMs: number;
  readonly responseTimeoutS: number;
  readonly startupTimeoutS: number;
  readonly loadedAtStartup: boolean;
}

/** A worker, of which this server has only the books: everything is answered by one process. */
interface Worker {
  readonly id: number;
  readonly startTime: Date;
}

/** TorchServe's own `job_queue_size`, where no configuration sets another. */
const jobQueueSize = 100;

/** A version of a model that requests can be put to. */
export class RegisteredVersion {
  readonly archive: ModelArchive;
  readonly queue: JobQueue;
  readonly #registration: Registration;
  readonly #nextWorkerId: () => number;
  #workers: readonly Worker[] = [];
  #minWorkers = 0;
  #maxWorkers = 0;

  constructor(archive: ModelArchive, registration: Registration, nextWorkerId: () => number) {
    this.archive = archive;
    this.#registration = registration;
    this.#nextWorkerId = nextWorkerId;
    this.queue = new JobQueue(registration.batchSize, jobQueueSize);
  }

  get url(): string {
    return this.#registration.url;
  }

  /** Starts or ends workers. */
  scale(minWorkers: number, maxWorkers: number): void {
    this.#minWorkers = minWorkers;
    this.#maxWorkers = maxWorkers;
    const started = Array.from({ length: Math.max(0, minWorkers - this.#workers.length) }, () => ({
      id: this.#nextWorkerId(),
      startTime: new Date(),
    }));
    // Between the two, those that are there stay.
    const count = Math.min(maxWorkers, Math.max(minWorkers, this.#workers.length));
    this.#workers = [...this.#workers, ...started].slice(0, count);
    this.queue.setWorkers(this.#workers.length);
  }

  /** What a model's description tells, under TorchServe's names; what it has and this server does not is left out. */
  describe(engine: string): Record<string, unknown> {
    const { batchSize, loadedAtStartup, maxBatchDelayMs, responseTimeoutS, startupTimeoutS, url } =
      this.#registration;
    const { modelName, version, runtime } = this.archive;
    const { pending, capacity } = this.queue;
    return {
      ...{ modelName, modelVersion: version, modelUrl: url, engine, runtime },
      ...{ minWorkers: this.#minWorkers, maxWorkers: this.#maxWorkers },
      ...{ batchSize, maxBatchDelay: maxBatchDelayMs },
      ...{ responseTimeout: responseTimeoutS, startupTimeout: startupTimeoutS, loadedAtStartup },
      workers: this.#workers.map(({ id, startTime }) => ({
        ...{ id: String(id), startTime: startTime.toISOString(), status: 'READY' },
        ...{ memoryUsage: process.memoryUsage.rss(), pid: process.pid, gpu: false, gpuUsage: 'N/A' },
      })),
      jobQueueStatus: { remainingCapacity: capacity - pending, pendingRequests: pending },
    };
  }
}
