import { Random, rowRandom } from '@aibench/core';

/** Columns of a transaction: Time, V1 to V28, Amount. */
export const transactionLength = 30;
/** Values of a row's reference data. */
export const referenceLength = 256;

/**
 * Figures of the Kaggle credit card data set (creditcard.csv) that the drawn
 * transactions share. The V columns are principal components: mean 0, with
 * falling standard deviations.
 */
export const kaggleStatistics = {
  /** Rows of one pass. */
  rows: 284_807,
  /** Share of rows of Class 1 (fraud): 492 of 284,807. */
  fraudShare: 492 / 284_807,
  /** Largest value of Time; seconds since the first transaction, two days' worth. */
  lastTimeSeconds: 172_792,
  /** Standard deviations of V1 to V28 over all rows. */
  componentDeviations: [
    1.958696, 1.651309, 1.516255, 1.415869, 1.380247, 1.332271, 1.237094, 1.194353, 1.098632, 1.08885,
    1.020713, 0.999201, 0.995274, 0.958596, 0.915316, 0.876253, 0.849337, 0.838176, 0.814041, 0.770925,
    0.734524, 0.725702, 0.62446, 0.605647, 0.521278, 0.482227, 0.403632, 0.330083,
  ],
  amountMean: 88.35,
  amountDeviation: 250.12,
  amountMax: 25_691.16,
} as const;

const componentCount = kaggleStatistics.componentDeviations.length;

/**
 * How far fraud lies from genuine in V1 to V28, in standard deviations of the
 * column. The signs are the data set's; the sizes are far smaller than there,
 * so that the classes overlap and a trained model's answers don't saturate: two
 * rows with equal answers could be swapped unnoticed.
 */
const fraudShifts: Readonly<Record<number, number>> = {
  3: -0.55,
  4: 0.6,
  10: -0.7,
  11: 0.55,
  12: -0.75,
  14: -0.85,
  16: -0.5,
  17: -0.7,
};

/** Rate at which the log odds of fraud grow with the reference data's score, which has mean 0 and deviation 1. */
const referenceWeight = 2;

/**
 * Transactions an hour relative to each other, from midnight: few at night, a
 * plateau by day.
 */
const hourlyRates = [
  42, 24, 18, 17, 15, 18, 30, 55, 88, 108, 116, 118, 114, 113, 116, 114, 113, 112, 116, 112, 104, 98, 82, 62,
];

const reference = referenceScorer();
const components = componentTables();
const hourStarts = hourStartTable();
const amountSigma = Math.sqrt(
  Math.log(1 + (kaggleStatistics.amountDeviation / kaggleStatistics.amountMean) ** 2),
);
const amountMu = Math.log(kaggleStatistics.amountMean) - (amountSigma * amountSigma) / 2;
const naturalIntercept = fraudIntercept(kaggleStatistics.fraudShare);

/** Streams of a row's random numbers, so that a transaction can be drawn without the reference and the reverse. */
const stream = { transaction: 0, reference: 1 } as const;

/**
 * Draws a row's reference data, uniform in [0, 1). It depends on (seed, row id)
 * alone.
 *
 * @param target filled, all of it; {@link referenceLength} values
 */
export function drawReference(seed: number, rowId: number, target: Float32Array): void {
  rowRandom(seed, rowId, stream.reference).fillUniform(target);
}

/**
 * Draws a row's transaction in the columns of creditcard.csv. Whether it is
 * fraud depends on chance and on the reference data; columns of fraud are
 * shifted. Depends on (seed, row id) alone, as the reference data does.
 *
 * @param referenceValues what {@link drawReference} gave for the same seed and row
 * @param target filled: Time (s), V1 to V28, Amount; {@link transactionLength} values
 * @param intercept log odds of fraud at a neutral reference, from {@link fraudIntercept};
 *   default: such that the share of fraud is the data set's, 0.172 %
 * @returns the class: 1 is fraud
 */
export function drawTransaction(
  seed: number,
  rowId: number,
  referenceValues: Float32Array,
  target: Float32Array,
  intercept: number = naturalIntercept,
): 0 | 1 {
  const random = rowRandom(seed, rowId, stream.transaction);
  const logOdds = intercept + referenceWeight * referenceScore(referenceValues);
  const fraud = random.uniform() < 1 / (1 + Math.exp(-logOdds)) ? 1 : 0;
  target[0] = transactionTimeSeconds(rowId);
  const means = fraud === 1 ? components.fraudMeans : components.genuineMeans;
  const deviations = components.deviations;
  for (let i = 0; i < componentCount; i++) {
    target[1 + i] = means[i]! + deviations[i]! * random.normal();
  }
  const amount = Math.exp(amountMu + amountSigma * random.normal());
  target[transactionLength - 1] = Math.min(Math.round(amount * 100) / 100, kaggleStatistics.amountMax);
  return fraud;
}

/**
 * The intercept for {@link drawTransaction} at which a given share of rows is
 * fraud: training needs far more of them than the data set has.
 *
 * @param share above 0 and below 1
 */
export function fraudIntercept(share: number): number {
  let low = -50;
  let high = 50;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (expectedFraudShare(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Share of fraud at an intercept: the logistic function averaged over a standard normal score. */
function expectedFraudShare(intercept: number): number {
  let weighted = 0;
  let total = 0;
  for (let i = -800; i <= 800; i++) {
    const score = i / 100;
    const weight = Math.exp((-score * score) / 2);
    weighted += weight / (1 + Math.exp(-(intercept + referenceWeight * score)));
    total += weight;
  }
  return weighted / total;
}

/**
 * Seconds since the pass began: an integer from 0 to 172,792 that never falls
 * within a pass, slow by day and quick by night.
 */
function transactionTimeSeconds(rowId: number): number {
  const position = rowId % kaggleStatistics.rows;
  let low = 0;
  let high = hourStarts.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (hourStarts[middle]! <= position) low = middle;
    else high = middle;
  }
  const start = hourStarts[low]!;
  const hours = low + (position - start) / (hourStarts[high]! - start);
  return Math.min(Math.round(hours * 3_600), kaggleStatistics.lastTimeSeconds);
}

/** The row position at which each hour of two days begins, and, last, the one at which the second day ends. */
function hourStartTable(): Float64Array {
  const hours = 48;
  const starts = new Float64Array(hours + 1);
  for (let hour = 0; hour < hours; hour++) {
    starts[hour + 1] = starts[hour]! + hourlyRates[hour % hourlyRates.length]!;
  }
  // The last row is 8 s short of the end of the second day, as in the data set.
  const secondsShort = hours * 3_600 - kaggleStatistics.lastTimeSeconds;
  const lastHour = hourlyRates[hourlyRates.length - 1]!;
  const rateAtLastRow = starts[hours]! - (lastHour * secondsShort) / 3_600;
  const scale = (kaggleStatistics.rows - 1) / rateAtLastRow;
  return starts.map((start) => start * scale);
}

/** A row's reference data as one number of mean 0 and deviation 1. */
function referenceScore(values: Float32Array): number {
  const { weights, offset } = reference;
  let score = offset;
  for (let i = 0; i < referenceLength; i++) score += weights[i]! * values[i]!;
  return score;
}

/** A fixed random direction in the space of reference data, scaled for values uniform in [0, 1). */
function referenceScorer(): { readonly weights: Float64Array; readonly offset: number } {
  const random = new Random(0xf4a0d);
  const direction = Float64Array.from({ length: referenceLength }, () => random.normal());
  let square = 0;
  for (const weight of direction) square += weight * weight;
  const scale = Math.sqrt(12 / square);
  let sum = 0;
  const weights = direction.map((weight) => weight * scale);
  for (const weight of weights) sum += weight;
  return { weights, offset: -sum / 2 };
}

interface ComponentTables {
  readonly genuineMeans: Float64Array;
  readonly fraudMeans: Float64Array;
  /** Within a class. */
  readonly deviations: Float64Array;
}

/** Means and deviations within the classes such that over both, at the data set's share of fraud, they are the data set's. */
function componentTables(): ComponentTables {
  const share = kaggleStatistics.fraudShare;
  const genuineMeans = new Float64Array(componentCount);
  const fraudMeans = new Float64Array(componentCount);
  const deviations = new Float64Array(componentCount);
  for (const [i, deviation] of kaggleStatistics.componentDeviations.entries()) {
    const shift = (fraudShifts[i + 1] ?? 0) * deviation;
    genuineMeans[i] = -share * shift;
    fraudMeans[i] = (1 - share) * shift;
    deviations[i] = Math.sqrt(deviation * deviation - share * (1 - share) * shift * shift);
  }
  return { genuineMeans, fraudMeans, deviations };
}
