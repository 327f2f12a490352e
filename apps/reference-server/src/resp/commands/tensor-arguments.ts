import { elementCount } from '@aibench/core';
import {
  type ElementArray,
  type ElementType,
  elementSizeBytes,
  elementsOf,
} from '../../inference/element-type.js';
import { ServerTensor } from '../../inference/server-tensor.js';
import { ReplyError } from '../reply-error.js';
import type { Request } from '../request.js';
import { requestLimits } from '../request-parser.js';

/** RedisAI's names of element types, the two that fraud and vision use first. */
const typeNames = {
  FLOAT: 'float32',
  UINT8: 'uint8',
  DOUBLE: 'float64',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  UINT16: 'uint16',
  BOOL: 'bool',
} as const satisfies Record<string, ElementType>;

const typesByName = Object.entries(typeNames);
const namesByType = new Map<ElementType, string>(typesByName.map(([name, type]) => [type, name]));

/** RedisAI's name of an element type; undefined where it has none (uint32, uint64). */
export function redisAiTypeName(type: ElementType): string | undefined {
  return namesByType.get(type);
}

/** Whole numbers that each type holds. */
const integerRanges: Partial<Record<ElementType, readonly [bigint, bigint]>> = {
  int8: [-128n, 127n],
  int16: [-32_768n, 32_767n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint8: [0n, 255n],
  uint16: [0n, 65_535n],
  bool: [0n, 1n],
};

/**
 * Reads `key type shape... [BLOB data | VALUES v...]`.
 *
 * @param start index of the type, which comes after the key
 * @param end index after the last argument
 * @returns a tensor whose data may be a view on the request
 * @throws ReplyError in RedisAI's words
 */
export function readTensor(request: Request, start: number, end: number): ServerTensor {
  const type = readType(request, start);
  const shape: number[] = [];
  let at = start + 1;
  while (at < end && !request.is(at, 'BLOB') && !request.is(at, 'VALUES')) {
    const extent = request.integer(at++);
    if (extent === undefined || extent <= 0) {
      throw new ReplyError('ERR invalid or negative value found in tensor shape');
    }
    shape.push(extent);
  }
  const count = elementCount(shape);
  if (count * elementSizeBytes[type] > requestLimits.argumentBytes) {
    throw new ReplyError(`ERR tensor is larger than ${requestLimits.argumentBytes} bytes`);
  }
  if (at === end) return ServerTensor.zeros(type, shape);
  if (request.is(at, 'BLOB')) return readBlob(request, type, shape, at + 1, end);
  return readValues(request, type, shape, at + 1, end);
}

function readType(request: Request, index: number): ElementType {
  for (const [name, type] of typesByName) if (request.is(index, name)) return type;
  if (request.is(index, 'STRING')) {
    throw new ReplyError('ERR STRING tensors are not supported by aibench-reference-server');
  }
  throw new ReplyError('ERR invalid data type');
}

function readBlob(
  request: Request,
  type: ElementType,
  shape: readonly number[],
  at: number,
  end: number,
): ServerTensor {
  if (at !== end - 1) {
    throw new ReplyError(
      "ERR a single binary string should come after the BLOB argument in 'AI.TENSORSET' command",
    );
  }
  const data = request.bytes(at);
  if (data.length !== elementCount(shape) * elementSizeBytes[type]) {
    throw new ReplyError('ERR data length does not match tensor shape and type');
  }
  if (type === 'bool' && data.some((byte) => byte > 1)) {
    throw new ReplyError('ERR BOOL tensor elements must be 0 or 1');
  }
  return new ServerTensor(type, shape, data);
}

function readValues(
  request: Request,
  type: ElementType,
  shape: readonly number[],
  start: number,
  end: number,
): ServerTensor {
  if (end - start !== elementCount(shape)) {
    throw new ReplyError("ERR wrong number of values was given in 'AI.TENSORSET' command");
  }
  const tensor = ServerTensor.zeros(type, shape);
  const elements = elementsOf(type, tensor.data);
  for (let i = 0; i < elements.length; i++) setElement(elements, i, type, request.text(start + i));
  return tensor;
}

function setElement(elements: ElementArray, index: number, type: ElementType, text: string): void {
  const range = integerRanges[type];
  if (range === undefined) {
    const value = Number(text);
    const isInfinity = /^[+-]?inf(inity)?$/i.test(text);
    if (isInfinity) elements[index] = text.startsWith('-') ? -Infinity : Infinity;
    else if (/^nan$/i.test(text)) elements[index] = Number.NaN;
    else if (text.trim() === '' || !Number.isFinite(value)) throw new ReplyError('ERR invalid value');
    else elements[index] = value;
    return;
  }
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) throw new ReplyError('ERR invalid value');
  const value = BigInt(text);
  if (value < range[0] || value > range[1]) throw new ReplyError('ERR invalid value');
  elements[index] = elements instanceof BigInt64Array ? value : Number(value);
}
