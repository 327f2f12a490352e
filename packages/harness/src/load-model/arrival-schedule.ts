import type { Pacer } from '../engine/pacer.js';
import {
  arrivalsBefore,
  burstArrivals,
  constantArrivals,
  poissonArrivals,
  traceArrivals,
} from './arrivals.js';
import { constantProfile, type RateProfile, type RateStage, rampProfile } from './rate-profile.js';

/** How arrivals lie along their rate. */
export type ArrivalSpacing =
  | { readonly kind: 'constant' }
  | { readonly kind: 'poisson'; readonly seed: number };

/**
 * When the requests of an open loop are due, as data: it can be sent to load
 * threads, each of which makes the same pacer of it, and kept in a result.
 */
export type ArrivalSchedule =
  | { readonly kind: 'rate'; readonly ratePerSecond: number; readonly spacing: ArrivalSpacing }
  | {
      readonly kind: 'stages';
      readonly startPerSecond: number;
      readonly stages: readonly RateStage[];
      readonly spacing: ArrivalSpacing;
    }
  | { readonly kind: 'burst'; readonly count: number }
  /** Backed by a SharedArrayBuffer, threads share the times; otherwise each gets a copy. */
  | { readonly kind: 'trace'; readonly timesUs: Float64Array };

/**
 * The pacer of a schedule.
 *
 * @param endUs from when on nothing is due, us after the start; default Infinity
 */
export function arrivalPacer(schedule: ArrivalSchedule, endUs = Number.POSITIVE_INFINITY): Pacer {
  return arrivalsBefore(pacerWithoutEnd(schedule), endUs);
}

function pacerWithoutEnd(schedule: ArrivalSchedule): Pacer {
  switch (schedule.kind) {
    case 'rate':
      return spaced(constantProfile(schedule.ratePerSecond), schedule.spacing);
    case 'stages':
      return spaced(rampProfile(schedule.stages, schedule.startPerSecond), schedule.spacing);
    case 'burst':
      return burstArrivals(schedule.count);
    case 'trace':
      return traceArrivals(schedule.timesUs);
  }
}

function spaced(profile: RateProfile, spacing: ArrivalSpacing): Pacer {
  return spacing.kind === 'poisson' ? poissonArrivals(profile, spacing.seed) : constantArrivals(profile);
}
