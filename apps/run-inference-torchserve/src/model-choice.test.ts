import { defaultValues } from '@aibench/harness/cli';
import { describe, expect, it } from 'vitest';
import { flags, type TorchServeFlags } from './flags.js';
import { modelChoice } from './model-choice.js';

const task = { defaultModelName: 'financialNet' };

function choose(given: Partial<TorchServeFlags>) {
  return modelChoice({ ...defaultValues(flags), ...given }, task);
}

describe('modelChoice', () => {
  it.each<[Partial<TorchServeFlags>, string, string, string]>([
    [{}, 'financialNet', '', '/predictions/financialNet'],
    [{ model: 'own' }, 'own', '', '/predictions/own'],
    [{ model: 'own', modelVersion: '2.0' }, 'own', '2.0', '/predictions/own/2.0'],
    [{ torchserveRequestUri: '/predictions/financial' }, 'financial', '', '/predictions/financial'],
    [{ torchserveRequestUri: '/predictions/a%20b/1.0' }, 'a b', '1.0', '/predictions/a%20b/1.0'],
    [{ torchserveRequestUri: '/predictions/m', model: 'm' }, 'm', '', '/predictions/m'],
    [{ torchserveRequestUri: '/gateway?to=m' }, 'financialNet', '', '/gateway?to=m'],
    [{ torchserveRequestUri: '/gateway', model: 'm', modelVersion: '3' }, 'm', '3', '/gateway'],
  ])('chooses by %j', (given, model, version, path) => {
    expect(choose(given)).toEqual({ model, version, path });
  });

  it.each<[Partial<TorchServeFlags>, string]>([
    [{ torchserveRequestUri: 'predictions/m' }, '"predictions/m" is no path'],
    [{ torchserveRequestUri: '/a b' }, '"/a b" is no path'],
    [
      { torchserveRequestUri: '/predictions/m', model: 'n' },
      '--model is n, and --torchserve-request-uri has m',
    ],
    [
      { torchserveRequestUri: '/predictions/m', modelVersion: '2' },
      '--model-version is 2, and --torchserve-request-uri has none',
    ],
  ])('refuses %j', (given, words) => {
    expect(() => choose(given)).toThrow(words);
    expect(() => choose(given)).toThrow(expect.objectContaining({ code: 'AIBENCH_USAGE' }));
  });
});
