import { elementCount } from '@aibench/core';
import {
  type ElementArray,
  type ElementType,
  elementSizeBytes,
  elementsOf,
  isElementType,
} from '../inference/element-type.js';
import { ServerTensor } from '../inference/server-tensor.js';
import { badInput } from './flask-error.js';

/** An input or output as a `model.json` has it; a first extent of -1 is that of rows, and free. */
export class FlaskTensor {
  readonly name: string;
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  readonly hasRows: boolean;
  /** Elements of a row, where rows are free; otherwise of the whole. */
  readonly #count: number;

  constructor(name: string, dtype: ElementType, shape: readonly number[]) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.hasRows = shape[0] === -1;
    this.#count = elementCount(this.hasRows ? shape.slice(1) : shape);
  }

  /**
   * Reads an entry of a `model.json`.
   *
   * @throws Error saying what is wrong with it
   */
  static read(entry: unknown): FlaskTensor {
    const { name, dtype, shape } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof name !== 'string' || typeof dtype !== 'string' || !Array.isArray(shape)) {
      throw new Error('model.json has an entry that is no tensor');
    }
    const extents: unknown[] = shape.map((extent: unknown) => extent ?? -1);
    if (!extents.every(isExtent)) throw new Error(`"${name}" has a shape that is none`);
    if (!isElementType(dtype) || dtype === 'bool') {
      throw new Error(`"${name}" is ${dtype}, which this service does not carry`);
    }
    if (extents.includes(-1, 1)) throw new Error(`"${name}" has a free extent other than the first`);
    return new FlaskTensor(name, dtype, extents);
  }

  /** As `GET /health` tells it. */
  describe(): object {
    return { name: this.name, dtype: this.dtype, shape: this.shape };
  }

  /** The tensor whose elements these are. @throws FlaskError */
  fromBytes(data: Uint8Array): ServerTensor {
    const rows = this.#rows(data.byteLength, this.#count * elementSizeBytes[this.dtype], 'bytes');
    return new ServerTensor(this.dtype, this.#shape(rows), data);
  }

  /** The tensor of a list of numbers, or of lists of lists. @throws FlaskError */
  fromJson(value: unknown): ServerTensor {
    const values = this.#flat(value);
    const rows = this.#rows(values.length, this.#count, 'numbers');
    const numbers = values.map((each) => {
      if (typeof each === 'number') return each;
      throw badInput(`input "${this.name}" has an element that is no number`);
    });
    const isFloat = this.dtype.startsWith('float');
    if (!isFloat && !numbers.every((each) => Number.isInteger(each))) {
      throw badInput(`input "${this.name}" has an element that is no whole number`);
    }
    const data = new Uint8Array(numbers.length * elementSizeBytes[this.dtype]);
    fill(elementsOf(this.dtype, data), numbers);
    const kept = elementsOf(this.dtype, data);
    const isHeld = isFloat
      ? Array.from(kept, Number).every((each) => Number.isFinite(each))
      : numbers.every((each, i) => Number(kept[i]) === each);
    if (!isHeld) throw badInput(`input "${this.name}" has a number that ${this.dtype} cannot hold`);
    return new ServerTensor(this.dtype, this.#shape(rows), data);
  }

  #flat(value: unknown): readonly unknown[] {
    if (!Array.isArray(value)) throw badInput(`input "${this.name}" is no list of numbers`);
    let list: readonly unknown[] = value;
    while (Array.isArray(list[0])) {
      if (!list.every(Array.isArray)) {
        throw badInput(`input "${this.name}" has an element that is no number`);
      }
      list = list.flat();
    }
    return list;
  }

  #rows(given: number, wanted: number, what: string): number {
    if (!this.hasRows && given !== wanted) {
      throw badInput(`input "${this.name}" has ${given} ${what} instead of ${wanted}`);
    }
    if (this.hasRows && (given === 0 || given % wanted !== 0)) {
      throw badInput(`input "${this.name}" has ${given} ${what} instead of ${wanted} a row`);
    }
    return given / wanted;
  }

  #shape(rows: number): readonly number[] {
    return this.hasRows ? [rows, ...this.shape.slice(1)] : this.shape;
  }
}

function isExtent(extent: unknown): extent is number {
  return Number.isSafeInteger(extent) && (extent === -1 || (extent as number) > 0);
}

function fill(elements: ElementArray, numbers: readonly number[]): void {
  if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) {
    for (let i = 0; i < numbers.length; i++) elements[i] = BigInt(numbers[i]!);
  } else {
    elements.set(numbers);
  }
}

/** A tensor as nested lists of numbers; undefined where one is not finite, which JSON cannot say. */
export function toLists({ type, shape, data }: ServerTensor): unknown {
  const values = Array.from(elementsOf(type, data), Number);
  if (!values.every((value) => Number.isFinite(value))) return undefined;
  let lists: unknown[] = values;
  for (const extent of shape.slice(1).reverse()) {
    lists = Array.from({ length: lists.length / extent }, (_, i) =>
      lists.slice(i * extent, (i + 1) * extent),
    );
  }
  return shape.length === 0 ? values[0] : lists;
}
