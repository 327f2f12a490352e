import { describe, expect, it } from 'vitest';
import { JobQueue } from './job-queue.js';

describe('JobQueue', () => {
  it('gives each worker as many as its batch has room for, and the next ones their turn in order', async () => {
    const queue = new JobQueue(2, 10);
    queue.setWorkers(2);
    expect([queue.enter(), queue.enter(), queue.enter(), queue.enter()]).toEqual(Array(4).fill('worker'));
    const order: number[] = [];
    const waiting = [0, 1].map(async (n) => {
      expect(await queue.enter()).toBe('worker');
      order.push(n);
    });
    expect(queue.pending).toBe(2);
    queue.leave();
    queue.leave();
    await Promise.all(waiting);
    expect(order).toEqual([0, 1]);
    expect(queue.pending).toBe(0);
  });

  it('turns away where no worker is there, and where too many wait', async () => {
    const queue = new JobQueue(1, 1);
    expect(queue.enter()).toBe('none');
    queue.setWorkers(1);
    expect(queue.enter()).toBe('worker');
    const waits = queue.enter();
    expect(queue.enter()).toBe('none');
    queue.leave();
    expect(await waits).toBe('worker');
  });

  it('lets nobody wait for workers that are gone', async () => {
    const queue = new JobQueue(1, 10);
    queue.setWorkers(1);
    queue.enter();
    const waits = queue.enter();
    queue.setWorkers(0);
    expect(await waits).toBe('none');
    queue.leave();
    expect(queue.pending).toBe(0);
    queue.setWorkers(1);
    expect(queue.enter()).toBe('worker');
  });

  it('calls those who wait when workers are added', async () => {
    const queue = new JobQueue(1, 10);
    queue.setWorkers(1);
    queue.enter();
    const waits = queue.enter();
    queue.setWorkers(2);
    expect(await waits).toBe('worker');
  });
});
