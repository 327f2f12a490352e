import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runBinary, startReferenceServer, startTcpPeer, temporaryFolder } from '@aibench/testing';
import { describe, expect, it } from 'vitest';

function setUp(...flags: string[]) {
  return runBinary('setup-model', ['--server', 'flask', ...flags]);
}

/** A running service, and its folder. */
async function startService() {
  const folder = temporaryFolder();
  const { addresses } = await startReferenceServer(['--protocols', 'flask', '--flask-models', folder]);
  return {
    folder,
    place: ['--models-dir', folder, '--restapi-host', addresses.flask],
    address: addresses.flask,
  };
}

describe('aibench-setup-model --server flask', () => {
  it.each([
    ['auto', ['model.onnx', 'saved_model.pb']],
    ['onnxruntime', ['model.onnx']],
    ['tensorflow', ['saved_model.pb']],
  ])('writes a model for %s, the same each time', async (backend, files) => {
    const folder = join(temporaryFolder(), 'models');
    const args = ['--output-dir', folder, '--backend', backend, '--enable-reference-data-redis'];
    const { stdout, stderr, exitCode } = await setUp(...args);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    const paths = [...files, 'model.json'].map((file) => join(folder, 'financialNet', file));
    expect(stdout.toString().trim().split('\n')).toEqual(paths);
    expect(JSON.parse(readFileSync(paths.at(-1)!, 'utf8'))).toEqual({
      inputs: [
        { name: 'transaction', dtype: 'float32', shape: [-1, 30] },
        { name: 'reference', dtype: 'float32', shape: [256] },
      ],
      outputs: [{ name: 'output', dtype: 'float32', shape: [-1, 2] }],
      files,
    });
    const first = paths.map((path) => readFileSync(path));
    await setUp(...args);
    expect(paths.map((path) => readFileSync(path))).toEqual(first);
    expect(readdirSync(join(folder, 'financialNet')).sort()).toEqual([...files, 'model.json'].sort());
  });

  it("writes a model of the user's, and says which files are its own", async () => {
    const folder = temporaryFolder();
    const own = temporaryFolder();
    mkdirSync(join(own, 'variables'));
    writeFileSync(join(own, 'saved_model.pb'), 'a graph');
    writeFileSync(join(own, 'variables', 'variables.index'), 'values');
    writeFileSync(join(own, 'net.onnx'), 'a network');
    const place = ['--output-dir', folder, '--model', 'mine', '--model-file'];
    expect((await setUp(...place, join(own, 'net.onnx'))).exitCode).toBe(0);
    const files = () => JSON.parse(readFileSync(join(folder, 'mine', 'model.json'), 'utf8')) as object;
    expect(files()).toEqual({
      inputs: [{ name: 'transaction', dtype: 'float32', shape: [-1, 30] }],
      outputs: [{ name: 'out', dtype: 'float32', shape: [-1, 2] }],
      files: ['model.onnx'],
    });
    expect((await setUp(...place, join(own, 'saved_model.pb'))).exitCode).toBe(0);
    expect(files()).toMatchObject({ files: ['saved_model.pb', 'variables/variables.index'] });
    expect(readFileSync(join(folder, 'mine', 'variables', 'variables.index'), 'utf8')).toBe('values');
  });

  it('gives running services a model, and sees each answer', async () => {
    const { folder, place, address } = await startService();
    const { addresses } = await startReferenceServer(['--protocols', 'flask', '--flask-models', folder]);
    for (const [flags, model] of [
      [[], 'financialNet_NoReference'],
      [['--enable-reference-data-redis'], 'financialNet'],
      // Again, and under a name of the user's beside it: both take the same inputs.
      [['--enable-reference-data-redis', '--model', 'mine'], 'mine'],
      [['--enable-reference-data-redis'], 'financialNet'],
    ] as const) {
      const hosts = ['--restapi-host', `${address},http://${addresses.flask}`];
      const { stdout, stderr, exitCode } = await setUp(...place, ...hosts, ...flags);
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
      const lines = stdout.toString().trim().split('\n');
      expect(lines).toHaveLength(2);
      for (const [i, host] of [address, addresses.flask].entries()) {
        expect(lines[i]).toMatch(
          new RegExp(
            `^${host} \\(aibench-reference-server \\S+\\): ${model}, onnxruntime \\d\\S+, [\\d,]+ bytes; answers out(put)?\\[1,2\\] = .*, as expected$`,
          ),
        );
      }
    }
  });

  it("sees a model of the user's answer, whatever it says", async () => {
    const { folder, place } = await startService();
    const other = temporaryFolder();
    await setUp('--output-dir', other);
    const own = ['--model', 'own', '--model-file', join(other, 'financialNet_NoReference', 'model.onnx')];
    const { stdout, stderr } = await setUp(...place, ...own);
    expect(stderr).toBe('');
    expect(stdout.toString()).toMatch(/own, onnxruntime .*, which has the right form\n$/);
    expect(readdirSync(folder)).toEqual(['own']);
  });

  it('says why a service cannot load a model', async () => {
    const { place, address } = await startService();
    const file = join(temporaryFolder(), 'net.onnx');
    writeFileSync(file, 'any bytes');
    const broken = await setUp(...place, '--model', 'broken', '--model-file', file);
    expect(broken.exitCode).toBe(1);
    expect(broken.stderr).toContain(`${address} could not load model broken: `);
    const other = temporaryFolder();
    await setUp('--output-dir', other, '--enable-reference-data-redis');
    const wrong = join(other, 'financialNet', 'model.onnx');
    const misplaced = await setUp(...place, '--model', 'misplaced', '--model-file', wrong);
    expect(misplaced.exitCode).toBe(1);
    expect(misplaced.stderr).toContain(
      'its inputs are reference, transaction, those of model.json transaction',
    );
    expect(misplaced.stderr.trim().split('\n')).toHaveLength(1);
  });

  it.each([
    ['nobody', undefined, 'connection refused'],
    [
      'another service',
      'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n',
      "is not the suite's Flask service",
    ],
    [
      'a service that is starting',
      'HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy',
      'answered 503: busy',
    ],
  ])('writes nothing where %s answers', async (_who, answer, words) => {
    const folder = join(temporaryFolder(), 'models');
    const { address, stop } = await startTcpPeer((socket) => {
      socket.once('data', () => socket.end(answer ?? ''));
    });
    if (answer === undefined) await stop();
    const { exitCode, stderr } = await setUp('--models-dir', folder, '--restapi-host', address);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(address);
    expect(stderr).toContain(words);
    expect(existsSync(folder)).toBe(false);
  });

  it('writes nothing that no service would load', async () => {
    const { folder, place, address } = await startService();
    const { exitCode, stderr } = await setUp(...place, '--backend', 'tensorflow');
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`${address} runs models with onnxruntime, for which this one is not written`);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('tells where the folder is not that of the service', async () => {
    const { place, address } = await startService();
    const elsewhere = ['--models-dir', temporaryFolder(), '--load-timeout', '300ms'];
    const absent = await setUp(...place, ...elsewhere);
    expect(absent.exitCode).toBe(1);
    expect(absent.stderr).toContain(
      `${address} has not loaded model financialNet_NoReference within 300ms: it does not have it (is --models-dir`,
    );
    await setUp(...place, '--enable-reference-data-redis', '--model', 'm');
    const different = await setUp(...place, ...elsewhere, '--model', 'm');
    expect(different.exitCode).toBe(1);
    expect(different.stderr).toContain('within 300ms: it has another');
  });

  it.each([
    [[], 2, "where is the services' folder of models? (pass --models-dir"],
    [['--models-dir', '/x', '--restapi-host', 'grpc://h:8001'], 2, 'no address of an HTTP server'],
    [['--output-dir', '/x', '--model', '../up'], 2, 'cannot be the name of a folder'],
    [['--output-dir', '/x', '--model', '.m'], 2, 'cannot be the name of a folder'],
    [['--output-dir', '/x', '--backend', 'torch'], 2, 'none of auto, onnxruntime, tensorflow'],
    [['--output-dir', '/x', '--model-file', '/etc/hostname'], 2, 'what kind of model is /etc/hostname?'],
    [
      ['--output-dir', '/x', '--model-file', '/etc/hostname', '--backend', 'tensorflow'],
      2,
      '/etc/hostname is no saved_model.pb',
    ],
    [['--output-dir', '/dev/null/x'], 1, 'cannot write /dev/null/x'],
  ])('refuses %j', async (flags, status, words) => {
    const { exitCode, stderr } = await setUp(...flags);
    expect(stderr).toContain(words);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(exitCode).toBe(status);
  });
});
