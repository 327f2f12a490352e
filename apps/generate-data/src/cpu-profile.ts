import { Session } from 'node:inspector/promises';
import { openOutputFile } from '@aibench/harness/cli';

/**
 * Profiles the calling thread's CPU time until the returned function is
 * called, which writes a `.cpuprofile`, whole or not at all.
 *
 * @throws AIBENCH_OUTPUT naming the path
 */
export async function startCpuProfile(path: string): Promise<() => Promise<void>> {
  const file = await openOutputFile(path);
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  return async () => {
    const { profile } = await session.post('Profiler.stop');
    session.disconnect();
    await file.write(JSON.stringify(profile));
    await file.commit();
  };
}
