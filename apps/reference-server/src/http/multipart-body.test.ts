import { MultipartTemplate } from '@aibench/http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formBoundary, readFormParts } from './multipart-body.js';

describe('formBoundary', () => {
  it.each([
    ['multipart/form-data; boundary=abc', 'abc'],
    ['Multipart/Form-Data; charset=utf-8; boundary="a b"', 'a b'],
    ['multipart/form-data', undefined],
    ['application/json; boundary=abc', undefined],
    [undefined, undefined],
  ])('of %s is %s', (contentType, boundary) => {
    expect(formBoundary(contentType)).toBe(boundary);
  });
});

describe('readFormParts', () => {
  it('gives back what the client puts in, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 40 }), (first, second) => {
        const template = new MultipartTemplate([
          { name: 'a "b"', dtype: 'uint8', shape: [first.length] },
          { name: 'c', dtype: 'uint8', shape: [second.length] },
        ]);
        const boundary = formBoundary(template.headers['content-type'])!;
        const body = Buffer.from(template.encode([first, second]) as Uint8Array);
        expect(readFormParts(body, boundary)).toEqual([
          { name: 'a "b"', isFile: true, bytes: Buffer.from(first) },
          { name: 'c', isFile: true, bytes: Buffer.from(second) },
        ]);
        // No beginning of it is whole.
        const cut = body.subarray(0, body.length - 5);
        expect(readFormParts(cut, boundary)).toBeUndefined();
      }),
    );
  });

  it("reads what Node's own client writes", async () => {
    const form = new FormData();
    form.set('x', new Blob([Uint8Array.of(13, 10, 45, 45, 0, 255)]), 'x.bin');
    form.set('text', 'hello');
    const request = new Request('http://localhost', { method: 'POST', body: form });
    const body = Buffer.from(await request.clone().arrayBuffer());
    expect(readFormParts(body, formBoundary(request.headers.get('content-type')!)!)).toEqual([
      { name: 'x', isFile: true, bytes: Buffer.of(13, 10, 45, 45, 0, 255) },
      { name: 'text', isFile: false, bytes: Buffer.from('hello') },
    ]);
  });

  it.each([
    ['nothing', ''],
    ['another boundary', '--y\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--y--'],
    ['a part without a name', '--x\r\nContent-Type: text/plain\r\n\r\n1\r\n--x--'],
    ['a part without an end', '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1'],
    ['a head without an end', '--x\r\nContent-Disposition: form-data; name="a"'],
    ['no last boundary', '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x'],
  ])('refuses %s', (_what, text) => {
    expect(readFormParts(Buffer.from(text), 'x')).toBeUndefined();
  });

  it('takes a preamble, an epilogue and a part without content', () => {
    const text = 'hello\r\n--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n--x--\r\nbye';
    expect(readFormParts(Buffer.from(text), 'x')).toEqual([
      { name: 'a', isFile: false, bytes: Buffer.alloc(0) },
    ]);
  });
});
