import { connect, sensitiveHeaders } from 'node:http2';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader } from './frame-reader.js';
import { HpackDecoder } from './hpack-decoder.js';
import { connectionPreface, FrameType, Http2Error } from './http2-protocol.js';

function decodeWith(decoder: HpackDecoder, bytes: Buffer): string[] {
  const fields: string[] = [];
  decoder.decode(bytes, 0, bytes.length, ({ name, value }) => fields.push(`${name}: ${value}`));
  return fields;
}

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

const requests = [
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'],
  [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com', 'cache-control: no-cache'],
  [
    ':method: GET',
    ':scheme: https',
    ':path: /index.html',
    ':authority: www.example.com',
    'custom-key: custom-value',
  ],
];
const answers = [
  [
    ':status: 302',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ],
  [
    ':status: 307',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:21 GMT',
    'location: https://www.example.com',
  ],
  [
    ':status: 200',
    'cache-control: private',
    'date: Mon, 21 Oct 2013 20:13:22 GMT',
    'location: https://www.example.com',
    'content-encoding: gzip',
    'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
  ],
];

/** The examples of RFC 7541, appendix C: blocks of one connection, and what they hold. */
const examples = [
  {
    name: 'C.2.1, a literal with indexing',
    blocks: ['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'],
    fields: [['custom-key: custom-header']],
  },
  {
    name: 'C.2.2, a literal without indexing',
    blocks: ['040c 2f73 616d 706c 652f 7061 7468'],
    fields: [[':path: /sample/path']],
  },
  {
    name: 'C.2.3, a literal that is never indexed',
    blocks: ['1008 7061 7373 776f 7264 0673 6563 7265 74'],
    fields: [['password: secret']],
  },
  { name: 'C.2.4, an indexed field', blocks: ['82'], fields: [[':method: GET']] },
  {
    name: 'C.3, requests without Huffman coding',
    blocks: [
      '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '8286 84be 5808 6e6f 2d63 6163 6865',
      '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
    ],
    fields: requests,
  },
  {
    name: 'C.4, requests with Huffman coding',
    blocks: [
      '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
      '8286 84be 5886 a8eb 1064 9cbf',
      '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
    ],
    fields: requests,
  },
  {
    name: 'C.5, answers without Huffman coding, that evict fields',
    tableBytes: 256,
    blocks: [
      `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133
       2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
      '4803 3330 37c1 c0bf',
      `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04
       677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b
       206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
    ],
    fields: answers,
  },
  {
    name: 'C.6, answers with Huffman coding, that evict fields',
    tableBytes: 256,
    blocks: [
      `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e
       919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
      '4883 640e ffc1 c0bf',
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7
       821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
    ],
    fields: answers,
  },
];

describe('HpackDecoder', () => {
  it.each(examples)('reads RFC 7541, $name', ({ tableBytes, blocks, fields }) => {
    const decoder = new HpackDecoder(tableBytes);
    expect(blocks.map((block) => decodeWith(decoder, hex(block)))).toEqual(fields);
  });

  it.each([
    ['an index of 0', '80'],
    ['an index past the tables', 'be'],
    ['a name by an index past the tables', '7e0161'],
    ['an integer without an end', 'ff80808080'],
    ['an integer that goes on and on', 'ff8080808080808080808001'],
    ['a huge integer', 'ffffffffff7f'],
    ['a string that is cut off', '4003616263056162'],
    ['a literal that is cut off', '40'],
    ['a table larger than was agreed', '3fe21f'],
    ['a table that changes within a block', '8220'],
    ['a Huffman string that is filled up with zeros', '00018100 0161'],
    ['a Huffman string that is filled up with a whole octet', '000182 07ff 0161'],
    ['a Huffman string that holds the end of strings', '000184 ffffffff 0161'],
  ])('refuses %s', (_, block) => {
    const decode = () => decodeWith(new HpackDecoder(), hex(block));
    expect(decode).toThrow(Http2Error);
    expect(decode).toThrow(expect.objectContaining({ code: 'COMPRESSION_ERROR' }));
  });

  it('lets the table shrink and grow at the start of a block', () => {
    const decoder = new HpackDecoder();
    expect(decodeWith(decoder, hex('4001610162 be'))).toEqual(['a: b', 'a: b']);
    expect(decodeWith(decoder, hex('20 3fe11f 4001630164 be'))).toEqual(['c: d', 'c: d']);
    expect(() => decodeWith(decoder, hex('bf'))).toThrow('there is no field 63');
  });

  it('empties the table for a field that is larger than it', () => {
    const decoder = new HpackDecoder(64);
    decodeWith(decoder, hex('4001610162'));
    expect(decodeWith(decoder, Buffer.concat([hex('40016121'), Buffer.alloc(33, 'x')]))).toHaveLength(1);
    expect(() => decodeWith(decoder, hex('be'))).toThrow('there is no field 62');
  });

  it('fails in no other way, whatever it is given', () => {
    const decoder = new HpackDecoder();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodeWith(decoder, Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(Http2Error);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads what node:http2 writes, over many blocks of a connection', async () => {
    const name = fc.stringMatching(/^x-[a-z0-9_-]{1,40}$/);
    const high = fc.integer({ min: 0x80, max: 0xff }).map((code) => String.fromCharCode(code));
    const value = fc.oneof(
      fc.constantFrom('a', 'application/grpc', '0', 'x'.repeat(3_000)),
      fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) }),
      // Octets that ASCII doesn't have, alone, and where the rest makes their long codes worth it.
      fc.string({ unit: high }),
      fc.string({ unit: high, maxLength: 4 }).map((text) => `${'e'.repeat(40)}${text}`),
    );
    const block = fc.record({ fields: fc.dictionary(name, value, { maxKeys: 12 }), hides: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(block, { minLength: 1, maxLength: 8 }), async (blocks) => {
        expect(await readBack(blocks)).toEqual(blocks.map(({ fields }) => fields));
      }),
      { numRuns: 60 },
    );
  });
});

/** Sends headers through node:http2's client, and reads what it writes. */
async function readBack(blocks: readonly { fields: Record<string, string>; hides: boolean }[]) {
  const written: Buffer[] = [];
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      written.push(chunk);
      done();
    },
  });
  const session = connect('http://host', { createConnection: () => wire });
  session.on('error', () => {});
  for (const { fields, hides } of blocks) {
    const headers = { ':path': '/', ...fields, [sensitiveHeaders]: hides ? Object.keys(fields) : [] };
    session.request(headers).on('error', () => {});
  }
  await new Promise((resolve) => setImmediate(resolve));
  session.destroy();
  const decoder = new HpackDecoder();
  const read: Record<string, string>[] = [];
  const reader = new FrameReader(
    {
      onData() {},
      onFrame(type, _flags, _id, bytes, start, end) {
        if (type !== FrameType.headers) return;
        const fields: Record<string, string> = {};
        decoder.decode(bytes, start, end, ({ name, value }) => {
          if (name.startsWith('x-')) fields[name] = value;
        });
        read.push(fields);
      },
    },
    1 << 20,
  );
  const bytes = Buffer.concat(written).subarray(connectionPreface.length);
  reader.push(bytes, bytes.length);
  return read;
}
