import { AibenchError } from './errors.js';
import { type Tensor, type TensorSpec, tensorSizeBytes } from './tensor.js';

/**
 * The fixed-size row of a data file: a u64 row id, then tensors, all
 * little-endian and without padding, so that `cat`, `head -c` and `split -b`
 * work on data files. A layout without an id (`hasId: false`) numbers its rows
 * by their position.
 */
export class RowLayout {
  /** Size of a row in bytes. */
  readonly sizeBytes: number;
  /** The tensors of a row, in the order they lie in it. */
  readonly fields: readonly TensorSpec[];
  readonly hasId: boolean;
  readonly #offsets: readonly number[];

  constructor(fields: readonly TensorSpec[], options: { readonly hasId: boolean }) {
    this.fields = fields;
    this.hasId = options.hasId;
    const offsets: number[] = [];
    let offset = options.hasId ? 8 : 0;
    for (const field of fields) {
      offsets.push(offset);
      offset += tensorSizeBytes(field);
    }
    this.#offsets = offsets;
    this.sizeBytes = offset;
  }

  /**
   * Where a field's data starts in a row, in bytes.
   *
   * @throws RangeError when the row has no such field
   */
  offsetOf(name: string): number {
    const offset = this.#offsets[this.fields.findIndex((field) => field.name === name)];
    if (offset === undefined) throw new RangeError(`no field ${name} in the row`);
    return offset;
  }

  /**
   * The row's id, from the first 8 of its bytes; only for layouts that have one.
   *
   * @throws AIBENCH_INPUT when it is above 2^53 - 1, which no generator of this suite writes
   */
  readId(row: Uint8Array): number {
    const low = (row[0]! | (row[1]! << 8) | (row[2]! << 16) | (row[3]! << 24)) >>> 0;
    const high = (row[4]! | (row[5]! << 8) | (row[6]! << 16) | (row[7]! << 24)) >>> 0;
    if (high > 0x1f_ffff) {
      throw new AibenchError(
        'AIBENCH_INPUT',
        `row id ${(BigInt(high) << 32n) | BigInt(low)} is above 2^53 - 1`,
        { hint: 'is this a data file of another use case? see --use-case' },
      );
    }
    return high * 0x1_0000_0000 + low;
  }

  /**
   * Writes a row's id into its first 8 bytes.
   *
   * @throws RangeError unless it is an integer from 0 to 2^53 - 1
   */
  writeId(row: Uint8Array, id: number): void {
    if (!Number.isSafeInteger(id) || id < 0) throw new RangeError(`${id} is no row id`);
    let rest = id;
    for (let i = 0; i < 8; i++) {
      row[i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }

  /** One field of a row, as a view on the row's bytes. */
  readTensor(row: Uint8Array, fieldIndex: number): Tensor {
    const field = this.fields[fieldIndex]!;
    const offset = this.#offsets[fieldIndex]!;
    return {
      name: field.name,
      dtype: field.dtype,
      shape: field.shape,
      data: row.subarray(offset, offset + tensorSizeBytes(field)),
    };
  }
}
