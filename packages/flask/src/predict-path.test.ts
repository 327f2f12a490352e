import { describe, expect, it } from 'vitest';
import { bodyKindOf, predictPath } from './predict-path.js';

describe('bodyKindOf', () => {
  it.each([
    ['/v1/predict', 'json'],
    ['/v1/predict/', 'json'],
    ['/v1/predict?model=a', 'json'],
    ['/v2/predict', 'multipart'],
    ['/v1/predictions', 'multipart'],
    ['/', 'multipart'],
  ])('of %s is %s', (uri, kind) => {
    expect(bodyKindOf(uri)).toBe(kind);
  });
});

describe('predictPath', () => {
  it.each([
    ['/v2/predict', '', '/v2/predict'],
    ['/v2/predict', 'a b&c', '/v2/predict?model=a%20b%26c'],
    ['/v2/predict?x=1', 'm', '/v2/predict?x=1&model=m'],
  ])('of %s and %j is %s', (uri, model, path) => {
    expect(predictPath(uri, model)).toBe(path);
  });
});
