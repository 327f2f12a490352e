import { AibenchError } from './errors.js';
import { type TensorSpec, tensorSizeBytes } from './tensor.js';

/** A message on its way out: its bytes, or pieces of it that are sent one after another without being joined. */
export type MessageBytes = Uint8Array | readonly Uint8Array[];

/** From this size on a tensor is sent as it lies in memory; below, copying it costs less than another piece does. */
const largeTensorBytes = 65_536;

/** A part of a message: bytes that never change, or the place of a tensor's data. */
export type MessagePart = Uint8Array | TensorSpec;

/** Parts that are joined in one buffer, with the places of their tensors left open; or one large tensor. */
type Segment =
  | {
      readonly skeleton: Buffer;
      readonly tensors: readonly { readonly index: number; readonly at: number }[];
    }
  | { readonly large: number };

/**
 * A message that is encoded once, but for the tensors in it, whose sizes are
 * known; each request costs a copy of it and of its tensors.
 */
export class PatchedMessage {
  /** Size of the whole message in bytes. */
  readonly sizeBytes: number;
  readonly #tensors: readonly TensorSpec[];
  readonly #sizes: readonly number[];
  readonly #segments: readonly Segment[];

  /** @param parts in the order in which they are sent */
  constructor(parts: readonly MessagePart[]) {
    this.#tensors = parts.filter((part): part is TensorSpec => !(part instanceof Uint8Array));
    this.#sizes = this.#tensors.map(tensorSizeBytes);
    this.#segments = segmentsOf(parts);
    this.sizeBytes = parts.reduce((sum, part) => sum + partSize(part), 0);
  }

  /**
   * The message with these tensors in it: one buffer, or, where there are
   * tensors of 64 KiB and more, pieces that are to be sent one after another,
   * the large tensors among them as they are.
   *
   * @param data of each tensor, in the order of their places
   * @throws AIBENCH_INPUT where one has another size than its place
   */
  encode(data: readonly Uint8Array[]): MessageBytes {
    this.#check(data);
    const [first] = this.#segments;
    if (this.#segments.length === 1) return fill(first!, data);
    return this.#segments.map((segment) => fill(segment, data));
  }

  #check(data: readonly Uint8Array[]): void {
    for (let i = 0; i < this.#sizes.length; i++) {
      const actual = data[i]?.byteLength;
      if (actual === this.#sizes[i]) continue;
      const { name } = this.#tensors[i]!;
      throw new AibenchError(
        'AIBENCH_INPUT',
        `tensor ${name} has ${actual ?? 'no'} bytes instead of ${this.#sizes[i]}`,
      );
    }
  }
}

function segmentsOf(parts: readonly MessagePart[]): Segment[] {
  const segments: Segment[] = [];
  let joined: Buffer[] = [];
  let tensors: { index: number; at: number }[] = [];
  let at = 0;
  let index = 0;
  const flush = () => {
    if (joined.length > 0) segments.push({ skeleton: Buffer.concat(joined), tensors });
    joined = [];
    tensors = [];
    at = 0;
  };
  for (const part of parts) {
    const size = partSize(part);
    if (part instanceof Uint8Array) {
      joined.push(Buffer.from(part));
    } else if (size >= largeTensorBytes) {
      flush();
      segments.push({ large: index++ });
      continue;
    } else {
      tensors.push({ index: index++, at });
      joined.push(Buffer.alloc(size));
    }
    at += size;
  }
  flush();
  return segments;
}

function partSize(part: MessagePart): number {
  return part instanceof Uint8Array ? part.byteLength : tensorSizeBytes(part);
}

function fill(segment: Segment, data: readonly Uint8Array[]): Uint8Array {
  if ('large' in segment) return data[segment.large]!;
  const { skeleton, tensors } = segment;
  const filled = Buffer.allocUnsafe(skeleton.length);
  filled.set(skeleton);
  for (let i = 0; i < tensors.length; i++) filled.set(data[tensors[i]!.index]!, tensors[i]!.at);
  return filled;
}
