import {
  DataType,
  ModelConfig,
  ModelInput,
  ModelInstanceGroup,
  ModelInstanceGroup_Kind,
  ModelOutput,
} from '@aibench/triton';
import { parseTextProto, type TextMessage, type TextValue } from '../model-repository/text-proto.js';

/**
 * Reads a `config.pbtxt`. Fields that this server has no use for are passed over.
 *
 * @throws Error that tells the field and what is wrong with it
 */
export function readModelConfig(text: string): ModelConfig {
  const message = parseTextProto(text);
  const batching = last(message, 'dynamic_batching');
  return ModelConfig.create({
    name: readText(message, 'name'),
    platform: readText(message, 'platform'),
    backend: readText(message, 'backend'),
    maxBatchSize: readNumber(message, 'max_batch_size'),
    defaultModelFilename: readText(message, 'default_model_filename'),
    input: messages(message, 'input').map(readInput),
    output: messages(message, 'output').map(readOutput),
    instanceGroup: messages(message, 'instance_group').map(readGroup),
    schedulingChoice:
      batching === undefined ? undefined : readBatching(asMessage(batching, 'dynamic_batching')),
  });
}

function readInput(message: TextMessage): ModelInput {
  return ModelInput.create(readTensor(message));
}

function readOutput(message: TextMessage): ModelOutput {
  return ModelOutput.create(readTensor(message));
}

function readTensor(message: TextMessage) {
  const reshape = last(message, 'reshape');
  return {
    name: readText(message, 'name'),
    dataType: readEnum(message, 'data_type', DataType, DataType.TYPE_INVALID),
    dims: readIntegers(message, 'dims'),
    reshape:
      reshape === undefined ? undefined : { shape: readIntegers(asMessage(reshape, 'reshape'), 'shape') },
  };
}

function readGroup(message: TextMessage): ModelInstanceGroup {
  return ModelInstanceGroup.create({
    name: readText(message, 'name'),
    count: readNumber(message, 'count') || 1,
    kind: readEnum(message, 'kind', ModelInstanceGroup_Kind, ModelInstanceGroup_Kind.KIND_AUTO),
  });
}

function readBatching(message: TextMessage) {
  return {
    $case: 'dynamicBatching' as const,
    value: {
      preferredBatchSize: readIntegers(message, 'preferred_batch_size').map(Number),
      maxQueueDelayMicroseconds: BigInt(readNumber(message, 'max_queue_delay_microseconds')),
    },
  };
}

function last(message: TextMessage, field: string): TextValue | undefined {
  return message.get(field)?.at(-1);
}

function messages(message: TextMessage, field: string): TextMessage[] {
  return (message.get(field) ?? []).map((value) => asMessage(value, field));
}

function asMessage(value: TextValue, field: string): TextMessage {
  if ('message' in value) return value.message;
  throw new TypeError(`${field} is no message`);
}

function readText(message: TextMessage, field: string): string {
  const value = last(message, field);
  if (value === undefined) return '';
  if ('text' in value) return value.text;
  throw new TypeError(`${field} is no text in quotes`);
}

function readNumber(message: TextMessage, field: string): number {
  const value = last(message, field);
  return value === undefined ? 0 : integerOf(value, field);
}

function readIntegers(message: TextMessage, field: string): bigint[] {
  return (message.get(field) ?? []).map((value) => BigInt(integerOf(value, field)));
}

function integerOf(value: TextValue, field: string): number {
  if ('number' in value && Number.isSafeInteger(value.number)) return value.number;
  throw new TypeError(`${field} is no whole number`);
}

function readEnum<Value extends number>(
  message: TextMessage,
  field: string,
  values: Readonly<Record<string, Value>>,
  fallback: Value,
): Value {
  const value = last(message, field);
  if (value === undefined) return fallback;
  const found = 'word' in value ? values[value.word] : undefined;
  if (found !== undefined) return found;
  throw new TypeError(`${field} is none of ${Object.keys(values).join(', ')}`);
}
