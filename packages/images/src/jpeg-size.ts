import type { ImageSize } from './resized-size.js';

/** Markers of JPEG (ITU-T T.81, table B.1) and what else its header needs. */
const marker = {
  startOfImage: 0xd8,
  startOfScan: 0xda,
  /** APP1, in which EXIF data lies. */
  app1: 0xe1,
} as const;

/** SOF0 to SOF15, of which three are other markers: tables of Huffman codes, of arithmetic coding, and a reserved one. */
function isFrame(code: number): boolean {
  return code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc;
}

/**
 * The size of a JPEG that is grey or has three channels and says nothing of its orientation: what most are, at a
 * hundredth of what it costs to ask a decoder. Undefined for any other, and for whatever is no JPEG.
 *
 * @param file from its first byte on
 */
export function plainJpegSize(file: Uint8Array): ImageSize | undefined {
  const byte = (at: number): number => file[at] ?? -1;
  const word = (at: number): number => (byte(at) << 8) | byte(at + 1);
  if (byte(0) !== 0xff || byte(1) !== marker.startOfImage) return undefined;
  let at = 2;
  while (at + 9 < file.length && byte(at) === 0xff) {
    const code = byte(at + 1);
    if (code === marker.startOfScan || code === marker.app1) return undefined;
    if (isFrame(code)) {
      const [height, width, channels] = [word(at + 5), word(at + 7), byte(at + 9)];
      const isPlain = height > 0 && width > 0 && (channels === 1 || channels === 3);
      return isPlain ? { width, height } : undefined;
    }
    const length = word(at + 2);
    if (length < 2) return undefined;
    at += 2 + length;
  }
  return undefined;
}
