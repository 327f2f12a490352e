import type { TensorSpec } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { PredictionResponse } from './gen/torchserve/inference.js';
import { predictionOf, readRawOutputs } from './read-predictions.js';

const context = { address: 'h:7070', requestId: 17 };
const out: TensorSpec = { name: 'out', dtype: 'float32', shape: [1, 2] };
const ids: TensorSpec = { name: 'ids', dtype: 'int64', shape: [1] };

function floats(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

describe('readRawOutputs', () => {
  it('gives the outputs, one after another', () => {
    const body = Buffer.concat(
      [floats(0.25, 0.75), new BigUint64Array([9n])].map((part) => Buffer.from(part.buffer)),
    );
    const [first, second] = readRawOutputs([out, ids], body, context);
    expect(first).toEqual({ ...out, data: body.subarray(0, 8) });
    expect(second).toEqual({ ...ids, data: body.subarray(8) });
  });

  it.each([
    ['too short', floats(1), '4 bytes instead of 8 for out'],
    ['too long', floats(1, 2, 3), 'bytes instead of 8 for out'],
    ['empty', new Uint8Array(0), '0 bytes instead of 8 for out'],
    [
      'an error in words',
      Buffer.from('{"code": 400,\n "message": "no"}'),
      '31 bytes, "{"code": 400, "message": "no"}", instead',
    ],
    ['longer words', Buffer.from('x'.repeat(5_000)), `5000 bytes, "${'x'.repeat(200)}", instead`],
  ])('refuses what is %s', (_how, body, words) => {
    const read = () => readRawOutputs([out], body, context);
    expect(read).toThrow(`h:7070 answered for row 17: `);
    expect(read).toThrow(words);
    expect(read).toThrow(expect.objectContaining({ code: 'AIBENCH_ANSWER' }));
  });

  it('refuses what is no number', () => {
    expect(() => readRawOutputs([out], floats(0.5, Number.NaN), context)).toThrow(
      'h:7070 answered for row 17: out has NaN in it',
    );
  });
});

describe('predictionOf', () => {
  it.each([0, 8, 127, 128, 5_000, 20_000])('finds a prediction of %d bytes', (size) => {
    const prediction = new Uint8Array(size).map((_, i) => i % 251);
    const message = PredictionResponse.encode({ prediction }).finish();
    expect(Buffer.compare(predictionOf(message, context), prediction)).toBe(0);
  });

  it('finds it beside what a newer server adds', () => {
    const message = PredictionResponse.encode({ prediction: floats(1, 2) }).finish();
    const sequenceId = Buffer.from([0x12, 0x01, 0x61]);
    for (const both of [
      [message, sequenceId],
      [sequenceId, message],
    ]) {
      expect(Buffer.compare(predictionOf(Buffer.concat(both), context), floats(1, 2))).toBe(0);
    }
  });

  it.each([
    ['cut off', Buffer.from([0x0a, 0x08, 1, 2])],
    ['no message', Buffer.from('{"outputs":[]}')],
    ['an endless length', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
  ])('refuses what is %s', (_how, message) => {
    expect(() => predictionOf(message, context)).toThrow(
      `h:7070 answered for row 17: ${message.length} bytes that are no prediction`,
    );
  });
});
