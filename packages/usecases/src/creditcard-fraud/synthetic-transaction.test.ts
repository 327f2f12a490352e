import { describe, expect, it } from 'vitest';
import {
  drawReference,
  drawTransaction,
  fraudIntercept,
  kaggleStatistics,
  referenceLength,
  transactionLength,
} from './synthetic-transaction.js';

const reference = new Float32Array(referenceLength);
const transaction = new Float32Array(transactionLength);

function draw(seed: number, rowId: number, intercept?: number): 0 | 1 {
  drawReference(seed, rowId, reference);
  return drawTransaction(seed, rowId, reference, transaction, intercept);
}

describe('synthetic transactions', () => {
  it('have the statistics of the Kaggle data over one pass', () => {
    const rows = kaggleStatistics.rows;
    const sums = new Float64Array(transactionLength);
    const squares = new Float64Array(transactionLength);
    let fraud = 0;
    let lastTime = 0;
    for (let row = 0; row < rows; row++) {
      fraud += draw(12345, row);
      const time = transaction[0]!;
      if (row === 0) expect(time).toBe(0);
      if (time < lastTime || !Number.isInteger(time))
        expect.fail(`row ${row}: Time ${time} after ${lastTime}`);
      lastTime = time;
      for (let i = 0; i < transactionLength; i++) {
        sums[i]! += transaction[i]!;
        squares[i]! += transaction[i]! ** 2;
      }
    }
    expect(lastTime).toBe(kaggleStatistics.lastTimeSeconds);
    // 492 expected; four standard deviations of a count of rare events.
    expect(Math.abs(fraud - 492)).toBeLessThan(4 * Math.sqrt(492));
    for (const [i, deviation] of kaggleStatistics.componentDeviations.entries()) {
      const mean = sums[1 + i]! / rows;
      expect(Math.abs(mean) / deviation).toBeLessThan(0.01);
      expect(Math.sqrt(squares[1 + i]! / rows - mean * mean) / deviation).toBeCloseTo(1, 1.9);
    }
    expect(sums[29]! / rows).toBeGreaterThan(86);
    expect(sums[29]! / rows).toBeLessThan(91);
  });

  it('has quiet nights', () => {
    const perHour = new Array<number>(48).fill(0);
    for (let row = 0; row < kaggleStatistics.rows; row += 10) {
      draw(1, row);
      perHour[Math.floor(transaction[0]! / 3_600)]! += 1;
    }
    expect(perHour[4]! * 4).toBeLessThan(perHour[12]!);
    expect(perHour[28]! * 4).toBeLessThan(perHour[36]!);
  });

  it('start over in Time, and only in Time, with the next pass', () => {
    draw(7, 1_000);
    const first = transaction.slice();
    draw(7, 1_000 + kaggleStatistics.rows);
    expect(transaction[0]).toBe(first[0]);
    expect(transaction.slice(1)).not.toEqual(first.slice(1));
  });

  it('depend on seed and row alone', () => {
    draw(7, 99);
    const first = [reference.slice(), transaction.slice()];
    draw(7, 100);
    draw(8, 99);
    expect([reference, transaction]).not.toEqual(first);
    draw(7, 99);
    expect([reference, transaction]).toEqual(first);
  });

  it('hold amounts in cents, none above the largest of the data set', () => {
    for (let row = 0; row < 20_000; row++) {
      draw(3, row);
      const amount = transaction[transactionLength - 1]!;
      expect(amount).toBe(Math.fround(Math.round(amount * 100) / 100));
      if (amount < 0 || amount > Math.fround(kaggleStatistics.amountMax)) expect.fail(`amount ${amount}`);
    }
  });

  it.each([0.01, 0.5, 0.9])('are fraud in the share %d where that is asked for', (share) => {
    const intercept = fraudIntercept(share);
    let fraud = 0;
    for (let row = 0; row < 20_000; row++) fraud += draw(5, row, intercept);
    expect(Math.abs(fraud / 20_000 - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / 20_000));
  });

  it('are fraud more often where the reference data says so', () => {
    const balanced = fraudIntercept(0.5);
    const ones = new Array<number>(referenceLength).fill(0);
    const zeros = new Array<number>(referenceLength).fill(0);
    for (let row = 0; row < 40_000; row++) {
      const sums = draw(11, row, balanced) === 1 ? ones : zeros;
      for (let i = 0; i < referenceLength; i++) sums[i]! += reference[i]! / 20_000;
    }
    let distance = 0;
    for (let i = 0; i < referenceLength; i++) distance += (ones[i]! - zeros[i]!) ** 2;
    // Chance alone: 256 columns, each (1/12) * 2 / 20,000 = 0.0021 in all.
    expect(distance).toBeGreaterThan(0.05);
  });
});
