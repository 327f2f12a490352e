import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeGrpcMessage, GrpcStatus, grpcStatusNames, statusError } from './grpc-status.js';

const context = { address: 'h:1', flag: '--host' };

describe('grpcStatusNames', () => {
  it('are in the order of their numbers', () => {
    expect(grpcStatusNames).toHaveLength(17);
    for (const [name, number] of Object.entries(GrpcStatus)) expect(grpcStatusNames[number]).toBe(name);
  });
});

describe('statusError', () => {
  it.each([
    [5, 'AIBENCH_SERVER', 'NOT_FOUND'],
    [4, 'AIBENCH_TIMEOUT', 'DEADLINE_EXCEEDED'],
    [14, 'AIBENCH_CONNECTION', 'UNAVAILABLE'],
    [99, 'AIBENCH_SERVER', 'UNKNOWN'],
  ])('tells status %i as %s', (number, code, status) => {
    const message = `h:1 answered ${status}: why`;
    expect(statusError(context, number, 'why')).toMatchObject({ code, status, message });
  });

  it('cuts what goes on and on', () => {
    expect(statusError(context, 13, 'x'.repeat(10_000)).message.length).toBeLessThan(1_100);
    expect(statusError(context, 13, '').message).toBe('h:1 answered INTERNAL');
  });
});

describe('decodeGrpcMessage', () => {
  it('reads what is percent-encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(decodeGrpcMessage(encodeURIComponent(text))).toBe(text);
      }),
    );
  });

  it.each([
    ['plain', 'plain'],
    ['100%', '100%'],
    ['%zz%4', '%zz%4'],
    ['%25%', '%%'],
  ])('leaves %s as well as it can', (text, expected) => {
    expect(decodeGrpcMessage(text)).toBe(expected);
  });
});
