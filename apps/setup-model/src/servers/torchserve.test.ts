import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  afterwards,
  type ReferenceServer,
  runBinary,
  startReferenceServer,
  startTcpPeer,
  temporaryFolder,
} from '@aibench/testing';
import { strFromU8, unzipSync } from 'fflate';
import { beforeAll, describe, expect, it } from 'vitest';

let modelStore: string;
let server: ReferenceServer;

beforeAll(async () => {
  modelStore = temporaryFolder();
  server = await startReferenceServer(['--protocols', 'torchserve', '--model-store', modelStore]);
});

function setUp(...flags: string[]) {
  return runBinary('setup-model', ['--server', 'torchserve', ...flags]);
}

/** The flags that lead to a server. */
function at({ addresses }: ReferenceServer, store: string): string[] {
  const { torchserve, torchserveManagement } = addresses;
  return [
    ...['--torchserve-host', torchserve, '--torchserve-management-host', torchserveManagement],
    ...['--model-store', store],
  ];
}

/** A server that answers what is listed, by `GET /models?limit=1000`, 404 otherwise, and nothing where `never` is. */
async function startAnswering(answers: Readonly<Record<string, unknown>>): Promise<string> {
  const answering = createServer((request, response) => {
    request.resume();
    const answer = answers[`${request.method} ${request.url}`];
    if (answer === 'never') return;
    const missing = { code: 404, type: 'ModelNotFoundException', message: 'Model not found' };
    response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer ?? missing));
  });
  await new Promise<void>((resolve) => answering.listen(0, '127.0.0.1', resolve));
  afterwards({
    async stop() {
      answering.closeAllConnections();
      await new Promise((resolve) => answering.close(resolve));
    },
    stopNow() {},
  });
  return `127.0.0.1:${(answering.address() as AddressInfo).port}`;
}

describe('aibench-setup-model --server torchserve', () => {
  it.each([
    [[], 'financialNet_NoReference', 'out', '1 worker, '],
    [['--enable-reference-data-redis'], 'financialNet', 'output', '1 worker, '],
    [
      ['--enable-reference-data-redis', '--model', 'b', '--batch-size', '8', '--model-workers', '2'],
      ...['b', 'output', '2 workers, batches of up to 8, '],
    ],
  ] as const)('registers with %j, again, too', async (flags, model, output, how) => {
    for (let time = 0; time < 2; time++) {
      const { exitCode, stdout, stderr } = await setUp(...at(server, modelStore), ...flags);
      expect(stderr).toBe('');
      expect(exitCode).toBe(0);
      expect(stdout.toString()).toMatch(
        new RegExp(
          `^${server.addresses.torchserveManagement} \\(aibench-reference-server \\d\\S+\\): ${model} version 1\\.0, ` +
            `ONNX Runtime, ${how}[\\d,]+ bytes; answers ${output}\\[1,2\\] = 0\\.\\d+, 0\\.\\d+, as expected\n$`,
        ),
      );
    }
  });

  it('makes another version the default, and replaces one of several', async () => {
    const described = async () => {
      const address = server.addresses.torchserveManagement;
      const answer = await fetch(`http://${address}/models/versioned`);
      return ((await answer.json()) as [{ readonly modelVersion: string }])[0].modelVersion;
    };
    for (const version of ['1.0', '2.0', '1.0']) {
      const flags = ['--model', 'versioned', '--model-version', version];
      expect((await setUp(...at(server, modelStore), ...flags)).stderr).toBe('');
      expect(await described()).toBe(version);
    }
  });

  it('sets every server up', async () => {
    const other = await startReferenceServer(['--protocols', 'torchserve', '--model-store', modelStore]);
    const both = (name: 'torchserve' | 'torchserveManagement') =>
      `${server.addresses[name]},${other.addresses[name]}`;
    const { stdout, stderr } = await setUp(
      ...['--torchserve-host', both('torchserve'), '--model-store', modelStore, '--model', 'everywhere'],
      ...['--torchserve-management-host', both('torchserveManagement')],
    );
    expect(stderr).toBe('');
    expect(stdout.toString().trim().split('\n')).toHaveLength(2);
  });

  it('writes only the archive where a folder is named, the same each time', async () => {
    const folder = temporaryFolder();
    const args = ['--output-dir', join(folder, 'store'), '--enable-reference-data-redis'];
    const { stdout, exitCode } = await setUp(...args, '--torchserve-management-host', 'nowhere:1');
    expect(exitCode).toBe(0);
    const path = join(folder, 'store', 'financialNet.mar');
    expect(stdout.toString()).toBe(`${path}\n`);
    const first = readFileSync(path);
    await setUp(...args);
    expect(readFileSync(path).equals(first)).toBe(true);
    expect(readdirSync(join(folder, 'store'))).toEqual(['financialNet.mar']);
  });

  it('has no batch dimension of reference unless requests are joined', async () => {
    const describeArchive = async (...flags: string[]) => {
      const folder = temporaryFolder();
      await setUp('--output-dir', folder, '--enable-reference-data-redis', '--model', 'm', ...flags);
      return JSON.parse(strFromU8(unzipSync(readFileSync(join(folder, 'm.mar')))['model.json']!)) as unknown;
    };
    const shapes = (reference: number[]) => ({
      inputs: [
        { name: 'transaction', dtype: 'float32', shape: [-1, 30] },
        { name: 'reference', dtype: 'float32', shape: reference },
      ],
      outputs: [{ name: 'output', dtype: 'float32', shape: [-1, 2] }],
    });
    expect(await describeArchive()).toEqual({ ...shapes([256]), intraOpThreads: 1 });
    const batched = await describeArchive('--batch-size', '8', '--intra-op-threads', '2');
    expect(batched).toEqual({ ...shapes([-1, 256]), intraOpThreads: 2 });
  });

  it('fails where the answer is wrong, and where there is none', async () => {
    const start = (flag: string) =>
      startReferenceServer(['--protocols', 'torchserve', '--model-store', modelStore, flag, '1']);
    const wrong = await setUp(...at(await start('--wrong-every'), modelStore));
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stderr).toMatch(/the answer is wrong: out is \[.*\] instead of \[.*\]/);
    const failing = await setUp(...at(await start('--fail-every'), modelStore));
    expect(failing.exitCode).toBe(1);
    expect(failing.stderr).toMatch(/^aibench-setup-model: 127\.0\.0\.1:\d+ answered 503: .*injected failure/);
    expect(failing.stderr.trim().split('\n')).toHaveLength(1);
  });

  it.each([
    ['registers at once', { status: 'registered' }, 'has 1 of 2 workers of model slow ready after 500ms'],
    ['never answers', 'never', 'has not registered model slow within 500ms'],
  ])('waits as long as it is told to for a server that %s', async (_what, answer, words) => {
    const registration =
      'url=slow.mar&model_name=slow&initial_workers=2&batch_size=1&max_batch_delay=1&response_timeout=120';
    const version = { modelName: 'slow', modelVersion: '1.0', workers: [{ status: 'READY' }, {}] };
    const address = await startAnswering({
      'GET /models?limit=1000': { models: [] },
      'OPTIONS /': { info: { title: 'TorchServe APIs', version: '0.1.0' } },
      [`POST /models?${registration}&synchronous=true`]: answer,
      'GET /models/slow/1.0': [version],
    });
    const place = ['--torchserve-host', address, '--torchserve-management-host', address];
    const { exitCode, stderr } = await setUp(
      ...[...place, '--model-store', modelStore, '--model', 'slow', '--model-workers', '2'],
      ...['--load-timeout', '500ms'],
    );
    expect(stderr).toContain(`${address} ${words}`);
    expect(stderr).toContain('--load-timeout');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(exitCode).toBe(1);
  });

  it('writes nothing where no server answers, or another one does', async () => {
    const store = join(temporaryFolder(), 'store');
    const { port, stop } = await startTcpPeer(() => {});
    await stop();
    const gone = await setUp(...[...at(server, store), '--torchserve-management-host', `127.0.0.1:${port}`]);
    expect(gone.stderr).toContain(`cannot connect to the HTTP server at 127.0.0.1:${port}`);
    const other = await startAnswering({ 'GET /models?limit=1000': {} });
    const stranger = await setUp(...at(server, store), '--torchserve-management-host', other);
    expect(stranger.stderr).toContain(`${other} does not answer as TorchServe's management API`);
    expect(stranger.exitCode).toBe(1);
    expect(existsSync(store)).toBe(false);
  });

  it.each([
    [[], 2, '--model-store'],
    [['--torchserve-host', 'a,b'], 2, 'names 2 servers, --torchserve-management-host 1'],
    [['--torchserve-host', 'grpc://h'], 2, 'is no address of an HTTP server'],
    [['--output-dir', '/x', '--model', '../up'], 2, 'cannot be the name of a file'],
    [['--output-dir', '/x', '--model-version', 'a b'], 2, '"a b" is no version'],
    [['--output-dir', '/x', '--batch-size', '0'], 2, '--batch-size'],
    [['--output-dir', '/x', '--batch-delay', '1500us'], 2, 'whole milliseconds'],
    [['--output-dir', '/x', '--response-timeout', '500ms'], 2, 'whole seconds'],
    [['--output-dir', '/x', '--model-file', '/etc/hostname'], 2, 'what kind of model is /etc/hostname?'],
    [['--output-dir', '/dev/null/x'], 1, 'cannot write /dev/null/x'],
  ])('refuses %j', async (flags, status, words) => {
    const { exitCode, stderr } = await setUp(...flags);
    expect(stderr).toContain(words);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(exitCode).toBe(status);
  });

  it('refuses what is no archive, and a folder in the way', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'mine.mar'), 'no zip');
    const none = await setUp('--output-dir', folder, '--model-file', join(folder, 'mine.mar'));
    expect(none.stderr).toContain('mine.mar is no model archive');
    expect(none.exitCode).toBe(1);
    mkdirSync(join(folder, 'm.mar'));
    const inTheWay = await setUp('--output-dir', folder, '--model', 'm');
    expect(inTheWay.stderr).toContain('it is a folder');
    expect(inTheWay.exitCode).toBe(1);
  });
});
