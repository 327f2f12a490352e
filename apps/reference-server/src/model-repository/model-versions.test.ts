import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import { ModelVersions } from './model-versions.js';

function newFolder(...paths: string[]): string {
  const folder = temporaryFolder();
  for (const path of paths) mkdirSync(join(folder, path), { recursive: true });
  return folder;
}

describe('ModelVersions', () => {
  it('loads every version of every model, once, and finds the highest', async () => {
    const folder = newFolder('a/1', 'a/10', 'a/9', 'a/assets', 'a/0', 'b/2', 'empty');
    const loads: string[] = [];
    const models = new ModelVersions(folder, async (name, version, path) => {
      loads.push(path);
      return `${name} ${version}`;
    });
    await models.scanAll();
    await models.scanAll();
    expect(models.names).toEqual(['a', 'b']);
    expect(models.versions('a').map(([version]) => version)).toEqual([1, 9, 10]);
    expect(models.find('a', undefined)).toBe('a 10');
    expect(models.find('a', 9)).toBe('a 9');
    expect(models.find('a', 2)).toBeUndefined();
    expect(models.find('c', undefined)).toBeUndefined();
    expect(loads).toHaveLength(4);
    expect(loads).toContain(join(folder, 'a', '10'));
  });

  it('keeps why a version could not be loaded, answers with the next one, and tries again', async () => {
    const folder = newFolder('a/1', 'a/2');
    let isBroken = true;
    const models = new ModelVersions(folder, async (_, version) => {
      if (version === 2 && isBroken) throw new Error('half written');
      return version;
    });
    await models.scan('a');
    expect(models.versions('a')).toEqual([
      [1, { model: 1 }],
      [2, { error: 'half written' }],
    ]);
    expect(models.find('a', undefined)).toBe(1);
    isBroken = false;
    await models.scan('a');
    expect(models.find('a', undefined)).toBe(2);
  });

  it('sees versions come and go', async () => {
    const folder = newFolder();
    const models = new ModelVersions(folder, async (_, version) => version);
    await models.scan('a');
    expect(models.names).toEqual([]);
    mkdirSync(join(folder, 'a/3'), { recursive: true });
    await models.scan('a');
    expect(models.find('a', undefined)).toBe(3);
    rmSync(join(folder, 'a/3'), { recursive: true });
    await models.scan('a');
    expect(models.names).toEqual([]);
  });

  it('loads anew what it is told to, and goes on answering meanwhile', async () => {
    const folder = newFolder('a/1');
    let loads = 0;
    const models = new ModelVersions(folder, async () => ++loads);
    await models.scan('a');
    const reloading = models.reload('a');
    expect(models.find('a', undefined)).toBe(1);
    await reloading;
    expect(models.find('a', undefined)).toBe(2);
    models.forget('a');
    expect(models.find('a', undefined)).toBeUndefined();
  });

  it.each(['..', '.', '', 'a/../a', 'a\0'])('takes no name that leads elsewhere: %j', async (name) => {
    const folder = newFolder('inner/1', 'a/1');
    const models = new ModelVersions(join(folder, 'inner'), async () => 1);
    await models.scan(name);
    expect(models.names).toEqual([]);
  });

  it('serves nothing where there is no folder', async () => {
    for (const folder of ['', '/no/such/folder']) {
      const models = new ModelVersions(folder, async () => 1);
      await models.scanAll();
      await models.scan('a');
      expect(models.names).toEqual([]);
    }
  });
});
