/**
 * When requests are due. Pure: the n-th request of a run is due at the same
 * time on whatever thread it is sent, so threads need not agree on anything.
 */
export interface Pacer {
  /**
   * When the request with this number is due.
   *
   * @param index 0, 1, 2, ... over all threads
   * @returns microseconds after the start of the load, never falling as `index` grows; Infinity where the
   *   schedule has ended
   */
  dueUs(index: number): number;
}

/** No schedule: a request is due as soon as a worker is free. */
export const unpaced: Pacer = { dueUs: () => 0 };

/**
 * A constant overall rate: request n is due n / rate after the start. Workers
 * that fall behind it catch up; the rate since the start never exceeds it.
 *
 * @param ratePerSecond above 0
 */
export function constantRate(ratePerSecond: number): Pacer {
  const gapUs = 1e6 / ratePerSecond;
  return { dueUs: (index) => index * gapUs };
}

/** The first `limit` requests of a schedule. */
export function firstRequests(pacer: Pacer, limit: number): Pacer {
  if (limit === Number.POSITIVE_INFINITY) return pacer;
  return { dueUs: (index) => (index < limit ? pacer.dueUs(index) : Number.POSITIVE_INFINITY) };
}
