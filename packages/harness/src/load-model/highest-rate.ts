/**
 * The highest rate that can be asked for, a second. Far above what one client
 * can send, and low enough that due times, doubles of microseconds, stay apart:
 * a higher one is a slip of the pen, and would never be met.
 */
export const highestRatePerSecond = 10_000_000;
