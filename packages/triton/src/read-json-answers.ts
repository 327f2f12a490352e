import { AibenchError } from '@aibench/core';
import { modelCounters } from './model-counters.js';
import type {
  ModelConfiguration,
  ModelCounters,
  ModelDescription,
  ModelTensor,
  RepositoryEntry,
  ServerIdentity,
} from './triton-control.js';

/** Answers to the calls over HTTP, as their JSON is turned into what the suite makes of it. */
export const readJsonAnswer = {
  serverMetadata: (json: unknown): ServerIdentity => {
    const answer = record(json, 'server metadata');
    return {
      name: text(answer['name']),
      version: text(answer['version']),
      extensions: texts(answer['extensions']),
    };
  },
  modelMetadata: (json: unknown): ModelDescription => {
    const answer = record(json, 'model metadata');
    return {
      name: text(answer['name']),
      versions: texts(answer['versions']),
      platform: text(answer['platform']),
      inputs: list(answer['inputs']).map(modelTensor),
      outputs: list(answer['outputs']).map(modelTensor),
    };
  },
  modelConfiguration: (json: unknown): ModelConfiguration => {
    const answer = record(json, 'model configuration');
    const batching = answer['dynamic_batching'];
    return {
      backend: text(answer['backend']) || text(answer['platform']),
      maxBatchSize: integer(answer['max_batch_size']),
      dynamicBatching: isRecord(batching)
        ? {
            preferredBatchSizes: list(batching['preferred_batch_size']).map(integer),
            maxQueueDelayUs: integer(batching['max_queue_delay_microseconds']),
          }
        : undefined,
      instances: list(answer['instance_group']).map((entry) => {
        const group = record(entry, 'instance group');
        return { kind: text(group['kind']), count: integer(group['count']) };
      }),
    };
  },
  modelStatistics: (json: unknown): ModelCounters =>
    modelCounters(list(record(json, 'statistics')['model_stats'])),
  repositoryIndex: (json: unknown): readonly RepositoryEntry[] =>
    list(json).map((each) => {
      const entry = record(each, 'repository index');
      return {
        name: text(entry['name']),
        version: text(entry['version']),
        state: text(entry['state']),
        reason: text(entry['reason']),
      };
    }),
} as const;

function modelTensor(json: unknown): ModelTensor {
  const tensor = record(json, 'tensor');
  return {
    name: text(tensor['name']),
    datatype: text(tensor['datatype']),
    shape: list(tensor['shape']).map(integer),
  };
}

function record(json: unknown, what: string): Record<string, unknown> {
  if (isRecord(json)) return json;
  throw new AibenchError('AIBENCH_ANSWER', `the answer is no ${what}: ${shown(json)}`, {
    hint: 'is this a Triton server? see --host',
  });
}

function isRecord(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** What is left out of an answer has its type's zero, as in the messages of gRPC. */
function text(json: unknown): string {
  return typeof json === 'string' ? json : '';
}

function integer(json: unknown): number {
  const value = Number(json ?? 0);
  return Number.isFinite(value) ? value : 0;
}

function list(json: unknown): unknown[] {
  return Array.isArray(json) ? json : [];
}

function texts(json: unknown): string[] {
  return list(json).map(text);
}

function shown(json: unknown): string {
  return (JSON.stringify(json) ?? 'nothing').slice(0, 60);
}
