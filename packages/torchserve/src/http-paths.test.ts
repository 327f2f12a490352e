import { describe, expect, it } from 'vitest';
import { modelOfPath, modelPath, predictionsPath } from './http-paths.js';

describe('paths', () => {
  it('name a model, and a version where one is wanted', () => {
    expect(predictionsPath('financialNet', '')).toBe('/predictions/financialNet');
    expect(predictionsPath('a b/c', '2.0')).toBe('/predictions/a%20b%2Fc/2.0');
    expect(modelPath('financialNet', 'all')).toBe('/models/financialNet/all');
  });

  it.each([
    ['/predictions/financial', { model: 'financial', version: '' }],
    ['/predictions/a%20b/2.0', { model: 'a b', version: '2.0' }],
    ['/predictions/m/1.0/', { model: 'm', version: '1.0' }],
    ['/predictions/m?x=1', { model: 'm', version: '' }],
    ['/api/fraud', undefined],
    ['/predictions/', undefined],
    ['/predictions/a/b/c', undefined],
    ['/predictions/%ff', undefined],
  ])('%s is for %j', (path, expected) => {
    expect(modelOfPath(path)).toEqual(expected);
  });
});
