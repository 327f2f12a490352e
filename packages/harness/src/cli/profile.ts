import { Session } from 'node:inspector/promises';
import { openOutputFile } from './output.js';

/**
 * Profiles the CPU time of the calling thread until the returned function is
 * called, which writes a `.cpuprofile` that Chrome's DevTools and speedscope open.
 *
 * @throws AIBENCH_OUTPUT naming the path, at once where it cannot be opened
 */
export async function startCpuProfile(path: string): Promise<() => Promise<void>> {
  return startProfile(path, async (session) => {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    return async () => (await session.post('Profiler.stop')).profile;
  });
}

/**
 * Samples the heap allocations of the calling thread until the returned
 * function is called, which writes a `.heapprofile` that Chrome's DevTools open.
 *
 * @throws AIBENCH_OUTPUT naming the path, at once where it cannot be opened
 */
export async function startHeapProfile(path: string): Promise<() => Promise<void>> {
  return startProfile(path, async (session) => {
    await session.post('HeapProfiler.enable');
    await session.post('HeapProfiler.startSampling');
    return async () => (await session.post('HeapProfiler.stopSampling')).profile;
  });
}

async function startProfile(
  path: string,
  start: (session: Session) => Promise<() => Promise<object>>,
): Promise<() => Promise<void>> {
  const file = await openOutputFile(path);
  const session = new Session();
  session.connect();
  const stop = await start(session);
  return async () => {
    try {
      const profile = await stop();
      session.disconnect();
      await file.write(JSON.stringify(profile));
      await file.commit();
    } finally {
      await file.discard();
    }
  };
}
