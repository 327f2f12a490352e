import { join } from 'node:path';
import {
  type ReferenceServer,
  startBinary,
  startReferenceServer,
  startTcpPeer,
  temporaryFolder,
} from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { answerZeros, type InferHandler, startFakeTriton } from './fake-triton.test.fixture.js';
import {
  addModel,
  answeredWindows,
  makeDataFile,
  makeRepository,
  readResult,
  runInference,
  runWithResult,
} from './triton-run.test.fixture.js';

const rows = 1_000;
let dataFile: string;
let repository: string;

beforeAll(async () => {
  dataFile = await makeDataFile(rows);
  repository = await makeRepository();
  await addModel(repository, '--enable-reference-data-redis');
});

function startServer(...args: string[]): Promise<ReferenceServer> {
  return startReferenceServer(['--model-repository', repository, ...args]);
}

/** The flags of a run over one of the protocols. */
function over(protocol: string, { addresses }: ReferenceServer): string[] {
  const host = protocol === 'http' ? addresses.tritonHttp : addresses.triton;
  return ['--protocol', protocol, '--host', host, '--file', dataFile, '--redis-host', addresses.redis];
}

describe.each([
  ['grpc', [], 'INTERNAL'],
  ['grpc', ['--grpc-client', 'grpc-js'], 'INTERNAL'],
  ['http', [], '500'],
  ['http', ['--http-client', 'undici'], '500'],
])('over %s %j', (protocol, way, failed) => {
  it('wrong answers are caught', async () => {
    const server = await startServer('--wrong-every', '97');
    const { exitCode, stderr, result } = await runWithResult([...over(protocol, server), ...way, '--verify']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/the answer for row \d+ is wrong: out is \[.*\] instead of \[.*\]/);
    expect(result?.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_MISMATCH' });
  });

  it("errors end the run, with the server's words", async () => {
    const server = await startServer('--fail-every', '100');
    const { exitCode, stderr, result } = await runWithResult([...over(protocol, server), ...way]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(new RegExp(`127.0.0.1:\\d+ answered ${failed}: .*injected failure`));
    expect(result?.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_SERVER' });
    expect(result!.counts.sent).toBeLessThan(rows);
  });

  it('errors are counted by their status with --ignore-errors', async () => {
    const server = await startServer('--fail-every', '100');
    const flags = ['--ignore-errors', '--verify'];
    const { exitCode, result } = await runWithResult([...over(protocol, server), ...way, ...flags]);
    expect(exitCode).toBe(0);
    const { failures, ...counts } = result!.counts;
    expect(counts).toMatchObject({ sent: rows, answered: rows - 10, failed: 10, cutOff: 0, mismatched: 0 });
    expect(counts.reconnects).toBe(0);
    expect(failures).toEqual([
      {
        code: 'AIBENCH_SERVER',
        status: failed,
        count: 10,
        firstMessage: expect.stringContaining('injected'),
      },
    ]);
  });

  it('a message that is too large is named', async () => {
    const server = await startServer('--max-message-bytes', '100');
    const flags = ['--ignore-errors', '--max-queries', '20'];
    const { result } = await runWithResult([...over(protocol, server), ...way, ...flags]);
    expect(result!.counts).toMatchObject({ sent: 20, answered: 0, failed: 20 });
    expect(result!.counts.failures).toMatchObject([
      protocol === 'http'
        ? { status: '400', firstMessage: expect.stringMatching(/exceed|larger/) }
        : { status: 'RESOURCE_EXHAUSTED' },
    ]);
  });

  it('a server that is too slow is given up, and asked anew with --ignore-errors', async () => {
    const server = await startServer('--delay', '1s');
    const flags = ['--request-timeout', '200ms', '--max-queries', '16', ...way];
    const ended = await runWithResult([...over(protocol, server), ...flags]);
    expect(ended.exitCode).toBe(1);
    expect(ended.result?.outcome.code).toBe('AIBENCH_TIMEOUT');
    const { result } = await runWithResult([...over(protocol, server), ...flags, '--ignore-errors']);
    expect(result!.counts).toMatchObject({ sent: 16, answered: 0, failed: 16, cutOff: 0 });
    const { failures } = result!.counts;
    expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['AIBENCH_TIMEOUT']));
    if (protocol === 'grpc') expect(failures.map(({ status }) => status)).toContain('DEADLINE_EXCEEDED');
  });

  it('a server that goes away ends the run with a result', async () => {
    const server = await startServer('--delay', '2ms');
    const json = join(temporaryFolder(), 'result.json');
    const run = startBinary('run-inference-triton', [
      ...[...over(protocol, server), ...way, '--json-out-file', json],
      ...['--duration', '30s', '--reporting-period', '100ms'],
    ]);
    await run.waitFor(/\n *0\.2s .*\n/);
    await server.stop();
    const { exitCode, stderr } = await run.ended;
    expect(exitCode).toBe(1);
    expect(stderr).toContain(over(protocol, server)[3]);
    const { outcome, counts } = readResult(json).Result;
    expect(outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_CONNECTION' });
    expect(counts.answered).toBeGreaterThan(0);
    expect(counts.sent).toBe(counts.answered + counts.failed + counts.cutOff);
  });

  it('a server that comes back is asked again with --ignore-errors', async () => {
    const server = await startServer('--delay', '2ms');
    const json = join(temporaryFolder(), 'result.json');
    const run = startBinary('run-inference-triton', [
      ...[...over(protocol, server), ...way, '--json-out-file', json, '--ignore-errors', '--verify'],
      ...['--duration', '8s', '--reporting-period', '100ms', '--limit-rps', '500'],
    ]);
    await run.waitFor(/\n *0\.5s .*\n/);
    await server.stop();
    const port = (address: string) => address.split(':')[1]!;
    await startServer(
      ...['--triton-grpc-port', port(server.addresses.triton)],
      ...['--triton-http-port', port(server.addresses.tritonHttp)],
    );
    const { exitCode, stderr } = await run.ended;
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(exitCode).toBe(0);
    const result = readResult(json).Result;
    const { counts } = result;
    // The gap that it left: answers, then none for a while, then answers again.
    expect(answeredWindows(result)).toMatch(/\+-+\+/);
    expect(counts.failures.map(({ code }) => code)).toContain('AIBENCH_CONNECTION');
    expect(counts.reconnects).toBeGreaterThan(0);
    expect(counts.mismatched).toBe(0);
    expect(counts.sent).toBe(counts.answered + counts.failed + counts.cutOff);
    // Before it went away there was half a second, of 500 a second.
    expect(counts.answered).toBeGreaterThan(600);
  });

  it.each([
    ['nobody', undefined, 'connection refused'],
    ['a server of HTTP/1', 'HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\nno', undefined],
    ['a Redis', '-ERR unknown command\r\n', undefined],
    ['a server that hangs up', '', undefined],
  ])('%s in its place is named', async (_who, answer, words) => {
    const { address, stop } = await startTcpPeer((socket) => {
      socket.once('data', () => socket.end(answer ?? ''));
    });
    if (answer === undefined) await stop();
    const { exitCode, stderr, file } = await runWithResult([
      ...['--protocol', protocol, '--host', address, '--file', dataFile, ...way],
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(address);
    expect(stderr).toContain(words ?? '--host');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(file).toBeUndefined();
  });

  it('a server that says nothing does not hold up the run', async () => {
    const { address } = await startTcpPeer(() => {});
    const flags = ['--request-timeout', '100ms', ...way];
    const { exitCode, stderr } = await runInference([
      ...['--protocol', protocol, '--host', address, '--file', dataFile, ...flags],
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(address);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe.each(['own', 'undici'])('an answer over HTTP, by the client "%s"', (client) => {
  const ignoring = ['--ignore-errors', '--max-queries', '20', '--workers', '2'];

  async function ask(infer: InferHandler, flags: readonly string[] = ignoring) {
    const host = await startFakeTriton(infer);
    const way = ['--protocol', 'http', '--http-client', client];
    return runWithResult([...way, '--host', host, '--file', dataFile, ...flags]);
  }

  it('that is none of 200 is counted by its status', async () => {
    const { exitCode, result } = await ask((response, n) => {
      if (n % 4 === 0) response.writeHead(503).end('{"error":"the queue is full"}');
      else if (n % 4 === 1) response.writeHead(400).end('<html>what?</html>');
      else answerZeros(response);
    });
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ sent: 20, answered: 10, failed: 10, reconnects: 0 });
    const failures = [...result!.counts.failures].sort((a, b) => (a.status! < b.status! ? -1 : 1));
    expect(failures).toMatchObject([
      { code: 'AIBENCH_SERVER', status: '400', count: 5, firstMessage: expect.stringContaining('what?') },
      {
        code: 'AIBENCH_SERVER',
        status: '503',
        count: 5,
        firstMessage: expect.stringContaining('queue is full'),
      },
    ]);
  });

  it.each<[string, InferHandler]>([
    ['is not JSON', (response) => response.end('hello')],
    ['is empty', (response) => response.end()],
    [
      'ends within its tensors',
      (response) => {
        response.setHeader('Inference-Header-Content-Length', 5);
        response.end('{"a":');
      },
    ],
    [
      'has a header length that is none',
      (response) => {
        response.setHeader('Inference-Header-Content-Length', '-1');
        response.end('{}');
      },
    ],
  ])('that %s is refused', async (_how, infer) => {
    const { result } = await ask(infer);
    expect(result!.counts).toMatchObject({ sent: 20, answered: 0, failed: 20, reconnects: 0 });
    expect(result!.counts.failures).toMatchObject([{ code: 'AIBENCH_ANSWER', count: 20 }]);
  });

  it.each<[string, InferHandler]>([
    [
      'cut off',
      (response) => {
        response.setHeader('content-length', 100);
        response.write('{"outputs":');
        response.socket?.destroySoon();
      },
    ],
    ['torn off before it begins', (response) => response.socket?.destroy()],
    ['no HTTP', (response) => response.socket?.end('HTTP/9 0 what\r\n\r\n')],
  ])('that is %s costs the connection, and another is made', async (_how, infer) => {
    const { exitCode, result } = await ask((response, n) =>
      n % 5 === 0 ? infer(response, n) : answerZeros(response),
    );
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ sent: 20, answered: 16, failed: 4, reconnects: 4 });
    expect(result!.counts.failures).toMatchObject([{ code: 'AIBENCH_CONNECTION', count: 4 }]);
  });

  it('that ends the connection by its own will costs nothing', async () => {
    const { result } = await ask((response) => {
      response.setHeader('connection', 'close');
      answerZeros(response);
    });
    expect(result!.counts).toMatchObject({ sent: 20, answered: 20, failed: 0 });
  });
});

describe('usage', () => {
  it.each([
    [
      ['--protocol', 'http', '--host', 'http://user:secret@h'],
      '"http://***@h" is no address of an HTTP server',
    ],
    [['--host', 'grpc://'], 'is no address of a gRPC server'],
    [['--protocol', 'http', '--host', 'grpc://h'], 'is no address of an HTTP server'],
    [['--protocol', 'http', '--grpc-client', 'grpc-js'], '--grpc-client does not go with --protocol http'],
    [['--http-client', 'undici'], '--http-client goes with --protocol http only'],
    [['--protocol', 'http', '--workers-per-connection', '2'], '--workers-per-connection does not go with'],
    [['--protocol', 'rest'], 'none of grpc, http'],
    [['--model-version', 'latest'], '"latest" is no version'],
    [['--metrics-host', 'a,b'], '2 metrics endpoints and 1 hosts do not pair up'],
    [['--metrics-host', 'redis://x'], 'is no address of an HTTP server'],
    [['--redis-host', 'http://user:secret@h'], '"http://***@h" is no Redis address'],
    [['--hosts', 'x'], 'did you mean --host?'],
  ])('%j is refused in one line', async (flags, words) => {
    const { exitCode, stderr } = await runInference(['--file', dataFile, '--max-queries', '10', ...flags]);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain('secret');
    expect(
      stderr
        .trim()
        .replace(/\n.*: see --help$/, '')
        .split('\n'),
    ).toHaveLength(1);
    expect(exitCode).toBe(2);
  });

  it('a file of authorities that cannot be read is named', async () => {
    const flags = ['--tls-ca', '/nonexistent.pem', '--host', 'https://127.0.0.1:1', '--protocol', 'http'];
    const { exitCode, stderr } = await runInference(['--file', dataFile, ...flags]);
    expect(stderr).toContain('cannot read /nonexistent.pem: there is no such file');
    expect(exitCode).toBe(1);
  });
});
