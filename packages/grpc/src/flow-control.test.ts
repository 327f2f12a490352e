import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReceiveWindow, SendWindow } from './flow-control.js';

describe('SendWindow', () => {
  it('may fall below zero and come back, but not grow past 31 bits', () => {
    const window = new SendWindow(100);
    window.take(100);
    window.add(-50);
    expect(window.bytes).toBe(-50);
    window.add(0x7fffffff);
    expect(window.bytes).toBe(0x7fffffff - 50);
    expect(() => window.add(51)).toThrow(expect.objectContaining({ code: 'FLOW_CONTROL_ERROR' }));
  });
});

describe('ReceiveWindow', () => {
  it('never lets the peer wait, and gives back what was taken', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 })), (parts) => {
        const window = new ReceiveWindow(100);
        let open = 100;
        for (const bytes of parts) {
          open -= bytes;
          open += window.take(bytes);
          expect(open).toBeGreaterThan(49);
          expect(open).toBeLessThanOrEqual(100);
        }
      }),
    );
  });

  it('refuses more than the window', () => {
    const window = new ReceiveWindow(100);
    window.take(40);
    expect(() => window.take(61)).toThrow(expect.objectContaining({ code: 'FLOW_CONTROL_ERROR' }));
  });
});
