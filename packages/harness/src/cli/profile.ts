import { writeFile } from 'node:fs/promises';
import { Session } from 'node:inspector/promises';
import { outputError } from './output.js';

/**
 * Profiles the CPU time of the calling thread until the returned function is
 * called, which writes a `.cpuprofile` that Chrome's DevTools and speedscope open.
 *
 * @throws AIBENCH_OUTPUT from the returned function, naming the path
 */
export async function startCpuProfile(path: string): Promise<() => Promise<void>> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  return async () => {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    await writeProfile(path, profile);
  };
}

/**
 * Samples the heap allocations of the calling thread until the returned
 * function is called, which writes a `.heapprofile` that Chrome's DevTools open.
 *
 * @throws AIBENCH_OUTPUT from the returned function, naming the path
 */
export async function startHeapProfile(path: string): Promise<() => Promise<void>> {
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.enable');
  await session.post('HeapProfiler.startSampling');
  return async () => {
    const { profile } = await session.post('HeapProfiler.stopSampling');
    session.disconnect();
    await writeProfile(path, profile);
  };
}

async function writeProfile(path: string, profile: object): Promise<void> {
  await writeFile(path, JSON.stringify(profile)).catch((cause: unknown) => {
    throw outputError(path, cause);
  });
}
