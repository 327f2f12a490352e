// Packs every package as it would be published, installs the tarballs globally
// into an empty prefix with npm, and runs the whole pipeline with the binaries
// found there: what a user gets who has no clone. Needs the npm registry.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { root } from './workspace.mjs';

const folder = mkdtempSync(join(tmpdir(), 'aibench-packed-'));
const prefix = join(folder, 'prefix');
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 26, ...options });
  expect({
    command: [command, ...args].join(' '),
    status: result.status,
    output: result.stderr,
  }).toMatchObject({
    status: 0,
  });
  return result.stdout;
}

function installed(name, ...args) {
  return run(join(prefix, 'bin', name), args);
}

beforeAll(() => {
  const pack = [
    '--recursive',
    '--filter',
    './packages/*',
    '--filter',
    './apps/*',
    'pack',
    '--pack-destination',
    folder,
  ];
  run('npx', ['--yes', packageManager, ...pack], { cwd: root });
  const tarballs = readdirSync(folder)
    .filter((name) => name.endsWith('.tgz') && !name.startsWith('aibench-testing-'))
    .map((name) => join(folder, name));
  // Without install scripts: those of onnxruntime-node fetch libraries for GPUs.
  run('npm', ['install', '--global', '--prefix', prefix, '--ignore-scripts', '--no-audit', ...tarballs]);
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('installs every binary under all its names, and no tests', () => {
  const binaries = readdirSync(join(root, 'apps')).flatMap((app) =>
    Object.keys(JSON.parse(readFileSync(join(root, 'apps', app, 'package.json'), 'utf8')).bin),
  );
  expect(readdirSync(join(prefix, 'bin')).sort()).toEqual(binaries.sort());
  const scope = join(prefix, 'lib', 'node_modules', '@aibench');
  const files = readdirSync(scope, { recursive: true }).map(String);
  expect(files.filter((name) => /\.test\./.test(name) && !name.includes('node_modules'))).toEqual([]);
  for (const name of binaries) expect(installed(name, '--version')).toMatch(/^aibench-[\w-]+ \d+\.\d+\.\d+/);
});

it('runs the pipeline on every server', { timeout: 180_000 }, async () => {
  const models = join(folder, 'models');
  const repository = join(folder, 'repository');
  const store = join(folder, 'store');
  const services = join(folder, 'services');
  const ports = [
    ...['redis', 'tfserving', 'tfserving-rest', 'triton-grpc', 'triton-http', 'triton-metrics', 'flask'],
    ...['torchserve', 'torchserve-management', 'torchserve-metrics', 'torchserve-grpc'],
  ];
  const server = spawn(join(prefix, 'bin', 'aibench-reference-server'), [
    ...ports.flatMap((name) => [`--${name}-port`, '0']),
    ...['--tfserving-models', models, '--model-repository', repository, '--triton-model-control', 'explicit'],
    ...['--model-store', store, '--flask-models', services],
  ]);
  try {
    const [line] = await once(createInterface({ input: server.stdout }), 'line');
    const { flask, redis, tfserving, torchserve, torchserveGrpc, torchserveManagement, triton, tritonHttp } =
      JSON.parse(line).addresses;
    const data = join(folder, 'fraud.dat');
    installed('aibench-generate-data', '--max-transactions', '500', '--seed', '3', '--output-file', data);
    installed('aibench-load-data', '--redis-host', `redis://${redis}`, '--file', data);
    const setUp = (name, ...args) =>
      installed('aibench-setup-model', '--server', name, '--enable-reference-data-redis', ...args);
    setUp('redisai', '--host', redis);
    setUp('tfserving', '--tensorflow-serving-host', tfserving, '--model-base-path', models);
    setUp('triton', '--host', triton, '--model-repository', repository);
    const management = ['--torchserve-management-host', torchserveManagement];
    setUp('torchserve', '--torchserve-host', torchserve, ...management, '--model-store', store);
    setUp('flask', '--restapi-host', flask, '--models-dir', services);
    const ask = ['-enable-reference-data-redis=true', '-verify', '-file', data];
    const fetch = ['-redis-host', redis];
    for (const [name, ...args] of [
      ['redisai', '-host', redis],
      ['tensorflow_serving', '-tensorflow-serving-host', tfserving, ...fetch],
      ['triton_vision', '-use-case', 'creditcard-fraud', '-host', triton, ...fetch],
      ['triton_vision', '-use-case', 'creditcard-fraud', '-protocol', 'http', '-host', tritonHttp, ...fetch],
      ['torchserve', '-torchserve-host', torchserve, ...management, ...fetch],
      ['torchserve', '-protocol', 'grpc', '-torchserve-grpc-host', torchserveGrpc, ...management, ...fetch],
      ['flask_tensorflow', '-restapi-host', flask, ...fetch],
      ['flask_tensorflow', '-restapi-host', flask, '-restapi-request-uri', '/v1/predict', ...fetch],
    ]) {
      const summary = installed(`aibench_run_inference_${name}`, ...args, ...ask);
      expect(summary, name).toContain('500 of 500 answers, all right');
    }
    const images = join(folder, 'images.dat');
    installed(
      'aibench_generate_data_vision',
      '-synthetic=3',
      '-seed',
      '3',
      '-with-expected',
      '-output-file',
      images,
    );
    const vision = ['--use-case', 'vision-image-classification'];
    installed('aibench-setup-model', '--server', 'redisai', '--host', redis, ...vision);
    installed(
      'aibench-setup-model',
      '--server',
      'triton',
      '--host',
      triton,
      '--model-repository',
      repository,
      ...vision,
    );
    for (const [name, ...args] of [
      ['redisai_vision', '-host', redis, '-batch-size', '2'],
      ['triton_vision', '-host', triton],
    ]) {
      const summary = installed(`aibench_run_inference_${name}`, ...args, '-verify', '-file', images);
      expect(summary, name).toMatch(/images\/s in .* requests\/s/);
      expect(summary, name).toContain('answers, all right');
    }
  } finally {
    server.kill();
  }
});
