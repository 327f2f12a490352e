import type { TensorSpec } from '@aibench/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MultipartTemplate } from './multipart-template.js';

const large: TensorSpec = { name: 'image', dtype: 'uint8', shape: [70_000] };

/** Reads a body as a server would: by the parser that Node brings. */
async function read({ headers }: MultipartTemplate, body: Uint8Array | readonly Uint8Array[]) {
  const whole = body instanceof Uint8Array ? body : Buffer.concat(body);
  const form = await new Response(Buffer.from(whole), { headers }).formData();
  return Promise.all(
    [...form].map(async ([name, file]) => {
      if (typeof file === 'string') throw new Error(`${name} is no file`);
      return { name, fileName: file.name, type: file.type, bytes: Buffer.from(await file.arrayBuffer()) };
    }),
  );
}

describe('MultipartTemplate', () => {
  it('has a file for each tensor, whatever its bytes', async () => {
    const template = new MultipartTemplate([
      { name: 'transaction', dtype: 'float32', shape: [1, 4] },
      { name: 'reference', dtype: 'uint8', shape: [7] },
    ]);
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.uint8Array({ minLength: 7, maxLength: 7 }),
        async (first, second) => {
          const body = template.encode([first, second]);
          expect((body as Uint8Array).byteLength).toBe(template.sizeBytes);
          const type = 'application/octet-stream';
          expect(await read(template, body)).toEqual([
            { name: 'transaction', fileName: 'transaction', type, bytes: Buffer.from(first) },
            { name: 'reference', fileName: 'reference', type, bytes: Buffer.from(second) },
          ]);
        },
      ),
    );
  });

  it('passes a large tensor on as it lies in memory', async () => {
    const template = new MultipartTemplate([large]);
    const bytes = new Uint8Array(70_000).map((_, i) => i % 251);
    const body = template.encode([bytes]);
    expect(body).toContain(bytes);
    const [file] = await read(template, body);
    expect(file!.bytes.equals(bytes)).toBe(true);
  });

  it('keeps a name inside its quotes', async () => {
    const template = new MultipartTemplate([{ name: 'a"; x="\r\nb', dtype: 'uint8', shape: [1] }]);
    const head = Buffer.from(template.encode([Uint8Array.of(1)]) as Uint8Array).toString('latin1');
    expect(head).toContain('name="a%22; x=%22%0D%0Ab"; filename=');
  });
});
