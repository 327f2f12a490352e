import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@aibench/testing';
import { describe, expect, it } from 'vitest';
import { batchingConfig, modelsConfig } from './config-files.js';

function addVersion(folder: string, model: string, version: string, file = 'saved_model.pb'): void {
  mkdirSync(join(folder, model, version), { recursive: true });
  writeFileSync(join(folder, model, version, file), '');
}

function namesIn(config: string): string[] {
  return [...config.matchAll(/ name: "(.*)"/g)].map(([, name]) => name!);
}

describe('modelsConfig', () => {
  it('lists the models that lie in the folder, and the new one', async () => {
    const folder = temporaryFolder();
    addVersion(folder, 'second', '12');
    addVersion(folder, 'unversioned', 'latest');
    addVersion(folder, 'other', '1', 'model.onnx');
    addVersion(folder, '.aside', '1/deeper');
    const config = await modelsConfig(folder, '/models', 'first');
    expect(namesIn(config)).toEqual(['first', 'second']);
    expect(config).toContain('base_path: "/models/first"');
    expect(config).toContain('model_version_policy { all {} }');
    expect(await modelsConfig(join(folder, 'not', 'there'), '/m/', 'x')).toContain('base_path: "/m/x"');
  });

  it('writes over its own file, but over no other', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'models.config');
    writeFileSync(path, await modelsConfig(folder, '/models', 'first'));
    expect(namesIn(await modelsConfig(folder, '/models', 'second'))).toEqual(['second']);
    writeFileSync(path, 'model_config_list {}');
    await expect(modelsConfig(folder, '/models', 'second')).rejects.toMatchObject({
      code: 'AIBENCH_OUTPUT',
      message: expect.stringContaining(path),
    });
    expect(readFileSync(path, 'utf8')).toBe('model_config_list {}');
  });

  it('escapes what would end a name', async () => {
    const config = await modelsConfig(temporaryFolder(), '/m', 'a"b\\c');
    expect(config).toContain('name: "a\\"b\\\\c"');
  });
});

describe('batchingConfig', () => {
  it('leaves to the server what it is not told', () => {
    const options = { maxBatchSize: 32, timeoutUs: 1_500, threads: 0, maxEnqueued: 0 };
    const head = '# Written by aibench-setup-model.\n';
    const wanted = `${head}max_batch_size { value: 32 }\nbatch_timeout_micros { value: 1500 }\n`;
    expect(batchingConfig(options)).toBe(wanted);
    expect(batchingConfig({ ...options, threads: 4, maxEnqueued: 100 })).toBe(
      `${wanted}num_batch_threads { value: 4 }\nmax_enqueued_batches { value: 100 }\n`,
    );
  });
});
