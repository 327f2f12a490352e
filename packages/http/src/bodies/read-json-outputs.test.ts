import { float32Values, type TensorSpec } from '@aibench/core';
import { describe, expect, it } from 'vitest';
import { readJsonOutputs } from './read-json-outputs.js';

const output: TensorSpec = { name: 'output', dtype: 'float32', shape: [1, 2] };
const label: TensorSpec = { name: 'label', dtype: 'int64', shape: [1] };
const context = { address: '127.0.0.1:8000', requestId: 17, flag: '--restapi-host' };

function read(text: string, outputs: readonly TensorSpec[] = [output]) {
  return readJsonOutputs(outputs, Buffer.from(text), context);
}

describe('readJsonOutputs', () => {
  it.each([
    '{"outputs": [[0.25, 0.1]]}',
    '{"predictions": [0.25, 0.1]}',
    '{"output": [[[0.25], [0.1]]]}',
    '{"outputs": {"output": [[0.25, 0.1]]}, "time": 3}',
    '[[0.25, 0.1]]',
    '[0.25, 0.10000000149011612]',
  ])('reads %s', (text) => {
    const [tensor] = read(text);
    expect(tensor).toMatchObject(output);
    expect([...float32Values(tensor!)]).toEqual([0.25, Math.fround(0.1)]);
  });

  it('reads several outputs by their names', () => {
    const tensors = read('{"outputs": {"label": 3, "output": [0, 1]}}', [output, label]);
    expect([...float32Values(tensors[0]!)]).toEqual([0, 1]);
    expect(tensors[1]!.data).toEqual(new Uint8Array(BigInt64Array.of(3n).buffer));
  });

  it.each([
    ['', 'answered for row 17 with what is no JSON: ""'],
    ['<html>\n<b>', 'answered for row 17 with what is no JSON: "<html> <b>"'],
    ['{"outputs": [[NaN, 1]]}', 'with a number that is none: "{"outputs": [[NaN, 1]]}"'],
    ['{"outputs": [[-Infinity, 1]]}', 'with a number that is none'],
    ['{"outputs": [["a", 1]]}', 'with an element that is no number in output'],
    ['{"outputs": [[null, 1]]}', 'with an element that is no number in output'],
    ['{"outputs": [[0.5]]}', 'with 1 numbers in output, instead of the 2 of [1,2]'],
    ['{"outputs": []}', 'with 0 numbers in output'],
    ['{"outputs": {"other": [1, 2]}}', 'without output output'],
    ['{"error": "no"}', 'without output output: "{"error": "no"}"'],
    ['3', 'without output output'],
    ['null', 'without output output'],
  ])('refuses %s', (text, message) => {
    expect(() => read(text)).toThrow(message);
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'AIBENCH_ANSWER', hint: expect.stringContaining('--restapi-host') }),
    );
  });

  it('refuses a list where there are several outputs, and fractions of whole numbers', () => {
    expect(() => read('[1, 2]', [output, label])).toThrow('without output output');
    expect(() => read('{"label": [1.5]}', [label])).toThrow('with a fraction in label, which is int64');
  });

  it('shows the beginning of a long answer', () => {
    expect(() => read('x'.repeat(200))).toThrow(`"${'x'.repeat(80)}.."`);
  });
});
