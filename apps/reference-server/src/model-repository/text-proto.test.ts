import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTextProto, type TextMessage, type TextValue } from './text-proto.js';

/** A message as plain data. */
function plain(message: TextMessage): unknown {
  const value = (one: TextValue): unknown =>
    'message' in one
      ? plain(one.message)
      : 'text' in one
        ? one.text
        : 'number' in one
          ? one.number
          : `#${one.word}`;
  return Object.fromEntries([...message].map(([name, values]) => [name, values.map(value)]));
}

describe('parseTextProto', () => {
  it('reads what a config.pbtxt holds', () => {
    const text = `
      # the fraud model
      name: "fraud" platform: 'onnxruntime_onnx'
      max_batch_size: 0
      input [
        { name: "transaction" data_type: TYPE_FP32 dims: [ 1, -1 ] },
        { name: "reference", data_type: TYPE_FP32, dims: 256 }
      ]
      output { name: "out" "put"; dims: [] }
      output < name: "second" >
      dynamic_batching: { preferred_batch_size: [4, 8] max_queue_delay_microseconds: 1e2 }
      flag: true`;
    expect(plain(parseTextProto(text))).toEqual({
      name: ['fraud'],
      platform: ['onnxruntime_onnx'],
      max_batch_size: [0],
      input: [
        { name: ['transaction'], data_type: ['#TYPE_FP32'], dims: [1, -1] },
        { name: ['reference'], data_type: ['#TYPE_FP32'], dims: [256] },
      ],
      output: [{ name: ['output'], dims: [] }, { name: ['second'] }],
      dynamic_batching: [{ preferred_batch_size: [4, 8], max_queue_delay_microseconds: [100] }],
      flag: ['#true'],
    });
  });

  it.each([
    ['name: "open', 'line 1: a character that does not belong here'],
    ['a: 1\nb: {\n c: 2', 'line 3: the text ends too early'],
    ['a 1', 'line 1: 1 where a value is expected'],
    ['a: ]', 'line 1: ] where a value is expected'],
    ['a: [1, 2', 'line 1: a list that is not closed'],
    ['"a": 1', 'line 1: "a" where a field is expected'],
    ['a {'.repeat(100), 'line 1: too many messages in one another'],
  ])('refuses %j', (text, message) => {
    expect(() => parseTextProto(text)).toThrow(message);
  });

  it('reads any text in quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const quoted = text.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n');
        expect(plain(parseTextProto(`a: "${quoted}"`))).toEqual({ a: [text] });
      }),
    );
  });

  it('ends on any text, with a message or an error', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseTextProto(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });
});
