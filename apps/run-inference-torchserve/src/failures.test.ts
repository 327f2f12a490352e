import { join } from 'node:path';
import { errorLine } from '@aibench/core';
import { parseFlags } from '@aibench/harness/cli';
import {
  makeTlsCertificate,
  type ReferenceServer,
  startBinary,
  startReferenceServer,
  startTcpPeer,
  temporaryFolder,
} from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  answerError,
  answerHealthy,
  answerUnhealthy,
  answerZeros,
  type FakeOptions,
  type InferHandler,
  startFakeTorchServe,
} from './fake-torchserve.test.fixture.js';
import { runner } from './runner.js';
import {
  answeredWindows,
  makeDataFile,
  makeModelStore,
  readResult,
  runInference,
  runWithResult,
} from './torchserve-run.test.fixture.js';

const rows = 1_000;
let dataFile: string;
let store: string;

beforeAll(async () => {
  dataFile = await makeDataFile(rows);
  store = await makeModelStore();
});

function startServer(...args: string[]): Promise<ReferenceServer> {
  return startReferenceServer([
    ...['--protocols', 'torchserve', '--model-store', store, '--torchserve-models', 'all'],
    ...args,
  ]);
}

/** The flags of a run over one of the protocols. */
function over(protocol: string, { addresses }: Pick<ReferenceServer, 'addresses'>): string[] {
  const { torchserve, torchserveGrpc } = addresses;
  return [
    ...['--protocol', protocol, '--torchserve-host', torchserve, '--torchserve-grpc-host', torchserveGrpc],
    ...['--file', dataFile],
  ];
}

/** The same to whatever listens there. */
function overTo(protocol: string, address: string): string[] {
  return [
    ...['--protocol', protocol, '--torchserve-host', address, '--torchserve-grpc-host', address],
    ...['--file', dataFile],
  ];
}

const lines = (stderr: string) => stderr.trim().split('\n');

describe.each([
  ['http', ['--body', 'binary'], '503'],
  ['http', ['--http-client', 'undici'], '503'],
  ['grpc', [], 'UNAVAILABLE'],
  ['grpc', ['--grpc-client', 'grpc-js'], 'UNAVAILABLE'],
])('over %s %j', (protocol, way, failed) => {
  it('errors are counted by their status with --ignore-errors, and cost no session', async () => {
    const server = await startServer('--fail-every', '100');
    const flags = ['--ignore-errors', '--verify'];
    const { exitCode, result } = await runWithResult([...over(protocol, server), ...way, ...flags]);
    expect(exitCode).toBe(0);
    const { failures, ...counts } = result!.counts;
    expect(counts).toMatchObject({ sent: rows, answered: rows - 10, failed: 10, cutOff: 0, mismatched: 0 });
    expect(counts.reconnects).toBe(0);
    expect(failures).toEqual([
      {
        ...{ code: 'AIBENCH_SERVER', status: failed, count: 10 },
        firstMessage: expect.stringContaining('injected'),
      },
    ]);
  });

  it('a server that is too slow is given up, and asked anew with --ignore-errors', async () => {
    const server = await startServer('--delay', '1s');
    const flags = ['--torchserve-read-timeout', '200ms', '--max-queries', '16', ...way];
    const ended = await runWithResult([...over(protocol, server), ...flags]);
    expect(ended.exitCode).toBe(1);
    expect(ended.result?.outcome.code).toBe('AIBENCH_TIMEOUT');
    expect(ended.stderr).toContain('--torchserve-read-timeout');
    const { result } = await runWithResult([...over(protocol, server), ...flags, '--ignore-errors']);
    expect(result!.counts).toMatchObject({ sent: 16, answered: 0, failed: 16, cutOff: 0 });
    const { failures } = result!.counts;
    expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(['AIBENCH_TIMEOUT']));
  });

  it('a server that comes back is asked again with --ignore-errors', async () => {
    const server = await startServer('--delay', '2ms');
    const json = join(temporaryFolder(), 'result.json');
    const run = startBinary('run-inference-torchserve', [
      ...[...over(protocol, server), ...way, '--json-out-file', json, '--ignore-errors', '--verify'],
      ...['--duration', '8s', '--reporting-period', '100ms', '--limit-rps', '500'],
    ]);
    await run.waitFor(/\n *0\.5s .*\n/);
    await server.stop();
    const port = (address: string) => address.split(':')[1]!;
    await startServer(
      ...['--torchserve-port', port(server.addresses.torchserve)],
      ...['--torchserve-grpc-port', port(server.addresses.torchserveGrpc)],
    );
    const { exitCode, stderr } = await run.ended;
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(exitCode).toBe(0);
    const result = readResult(json).Result;
    const { counts } = result;
    // The gap that it left: answers, then none for a while, then answers again.
    expect(answeredWindows(result)).toMatch(/\+-+\+/);
    expect(counts.failures.map(({ code }) => code)).toContain('AIBENCH_CONNECTION');
    expect(counts.mismatched).toBe(0);
    expect(counts.sent).toBe(counts.answered + counts.failed + counts.cutOff);
  });
});

describe.each(['http', 'grpc'])('over %s', (protocol) => {
  it('wrong answers are caught', async () => {
    const server = await startServer('--wrong-every', '97');
    const { exitCode, stderr, result } = await runWithResult([...over(protocol, server), '--verify']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/the answer for row \d+ is wrong: out is \[.*\] instead of \[.*\]/);
    expect(result?.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_MISMATCH' });
  });

  it("errors end the run, with the server's words", async () => {
    const server = await startServer('--fail-every', '100');
    const { exitCode, stderr, result } = await runWithResult([...over(protocol, server)]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /127.0.0.1:\d+ answered (503|UNAVAILABLE): Prediction failed: injected failure \(--fail-every 100\)/,
    );
    expect(stderr).not.toContain('org.pytorch');
    expect(result?.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_SERVER' });
    expect(result!.counts.sent).toBeLessThan(rows);
  });

  it('a model that is missing ends the run in one line, whether or not the management port tells', async () => {
    const server = await startServer();
    const flags = [...over(protocol, server), '--model', 'other'];
    const { exitCode, stderr, result } = await runWithResult(flags);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /127.0.0.1:\d+ answered (404|INTERNAL): Model not found: other \(set the model up with /,
    );
    expect(lines(stderr)).toHaveLength(1);
    expect(result!.counts.answered).toBe(0);
    const { torchserveManagement } = server.addresses;
    const told = await runWithResult([...flags, '--torchserve-management-host', torchserveManagement]);
    expect(told.exitCode).toBe(1);
    expect(told.stderr).toContain(
      `${torchserveManagement} has no model other, but financialNet, financialNet_NoReference (set it up`,
    );
    expect(lines(told.stderr)).toHaveLength(1);
    expect(told.result).toBeUndefined();
  });

  it('a version that is missing ends the run in one line', async () => {
    const server = await startServer();
    const flags = [...over(protocol, server), '--model-version', '7.0'];
    const { stderr } = await runWithResult(flags);
    expect(stderr).toContain('Model version: 7.0 does not exist for model: financialNet_NoReference');
    const management = ['--torchserve-management-host', server.addresses.torchserveManagement];
    const told = await runWithResult([...flags, ...management]);
    expect(told.stderr).toContain('has no version 7.0 of model financialNet_NoReference, but 1.0');
    expect(lines(told.stderr)).toHaveLength(1);
  });

  it('a model that wants other inputs says so in one line', async () => {
    const server = await startServer();
    const { exitCode, stderr } = await runWithResult([
      ...[...over(protocol, server), '--model', 'financialNet'],
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /answered (400|INVALID_ARGUMENT): .*reference.* \(does the handler take these inputs\? see --body/,
    );
    expect(lines(stderr)).toHaveLength(1);
  });

  it('a server that goes away ends the run with a result', async () => {
    const server = await startServer('--delay', '2ms');
    const json = join(temporaryFolder(), 'result.json');
    const run = startBinary('run-inference-torchserve', [
      ...[...over(protocol, server), '--json-out-file', json],
      ...['--duration', '30s', '--reporting-period', '100ms'],
    ]);
    await run.waitFor(/\n *0\.2s .*\n/);
    await server.stop();
    const { exitCode, stderr } = await run.ended;
    expect(exitCode).toBe(1);
    expect(stderr).toContain(server.addresses[protocol === 'http' ? 'torchserve' : 'torchserveGrpc']);
    const { outcome, counts } = readResult(json).Result;
    expect(outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_CONNECTION' });
    expect(counts.answered).toBeGreaterThan(0);
    expect(counts.sent).toBe(counts.answered + counts.failed + counts.cutOff);
  });

  it.each([
    ['nobody', undefined, 'connection refused'],
    ['a Redis', '-ERR unknown command\r\n', undefined],
    ['a server that hangs up', '', undefined],
  ])('%s in its place is named', async (_who, answer, words) => {
    const { address, stop } = await startTcpPeer((socket) => {
      socket.once('data', () => socket.end(answer ?? ''));
    });
    if (answer === undefined) await stop();
    const { exitCode, stderr, file } = await runWithResult([...overTo(protocol, address)]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(address);
    expect(stderr).toContain(words ?? (protocol === 'http' ? '--torchserve-host' : '--torchserve-grpc-host'));
    expect(lines(stderr)).toHaveLength(1);
    expect(file).toBeUndefined();
  });

  it('a server that says nothing does not hold up the run', async () => {
    const { address } = await startTcpPeer(() => {});
    const flags = ['--request-timeout', '100ms', '--ready-timeout', '100ms'];
    const { exitCode, stderr } = await runInference([...overTo(protocol, address), ...flags]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(address);
    expect(lines(stderr)).toHaveLength(1);
  });

  it.each([
    ['management', 'torchserveManagement', 'torchserveManagement'],
    ['metrics', 'torchserveMetrics', 'torchserveMetrics'],
    ['the other protocol', 'torchserveGrpc', 'torchserve'],
  ] as const)('the port for %s in its place is named', async (_which, wrongForHttp, wrongForGrpc) => {
    const { addresses } = await startServer();
    const address = addresses[protocol === 'http' ? wrongForHttp : wrongForGrpc];
    const { exitCode, stderr, file } = await runWithResult([...overTo(protocol, address)]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(address);
    expect(stderr).toContain(protocol === 'http' ? '--torchserve-host' : '--torchserve-grpc-host');
    expect(lines(stderr)).toHaveLength(1);
    expect(file).toBeUndefined();
  });

  it('TLS is spoken where both sides do, and named where one does not', async () => {
    const { certificatePath, keyPath } = await makeTlsCertificate();
    const server = await startServer('--tls-cert', certificatePath, '--tls-key', keyPath);
    const plain = await startServer();
    const scheme = protocol === 'http' ? 'https' : 'grpcs';
    const name = protocol === 'http' ? 'torchserve' : 'torchserveGrpc';
    const encrypted = [...overTo(protocol, `${scheme}://${server.addresses[name]}`)];
    const management = ['--torchserve-management-host', `https://${server.addresses.torchserveManagement}`];
    const queries = ['--max-queries', '50', '--verify'];
    const trusting = await runWithResult([
      ...encrypted,
      ...management,
      ...queries,
      '--tls-ca',
      certificatePath,
    ]);
    expect(trusting.stderr).toBe('');
    expect(trusting.result!.counts).toMatchObject({ verified: 50, mismatched: 0 });
    expect((await runInference([...encrypted, ...queries, '--tls-insecure'])).exitCode).toBe(0);
    for (const [flags, words] of [
      [encrypted, /certificate that is not trusted/],
      [overTo(protocol, server.addresses[name]), new RegExp(`${scheme}://`)],
      [overTo(protocol, `${scheme}://${plain.addresses[name]}`), /TLS/],
    ] as const) {
      const { exitCode, stderr } = await runInference(flags);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(words);
      expect(lines(stderr)).toHaveLength(1);
    }
  });
});

const queries = ['--max-queries', '20', '--workers', '2'];
const ignoring = ['--ignore-errors', ...queries];

async function ask(infer: InferHandler, flags: readonly string[] = ignoring, options: FakeOptions = {}) {
  const host = await startFakeTorchServe(infer, options);
  return { host, ...(await runWithResult(['--torchserve-host', host, '--file', dataFile, ...flags])) };
}

describe('an answer over HTTP', () => {
  it('that is none of 200 is counted by its status', async () => {
    const { exitCode, result } = await ask((response, n) => {
      if (n % 4 === 0) answerError(response, 503, 'ServiceUnavailableException', 'no worker');
      else if (n % 4 === 1) response.writeHead(400).end('<html>what?</html>');
      else answerZeros(response);
    });
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ sent: 20, answered: 10, failed: 10, reconnects: 0 });
    const failures = [...result!.counts.failures].sort((a, b) => (a.status! < b.status! ? -1 : 1));
    expect(failures).toMatchObject([
      { code: 'AIBENCH_SERVER', status: '400', count: 5, firstMessage: expect.stringContaining('what?') },
      { code: 'AIBENCH_SERVER', status: '503', count: 5, firstMessage: expect.stringContaining('no worker') },
    ]);
  });

  it('that makes no sense is counted, and costs no session', async () => {
    const { exitCode, result } = await ask((response, n) =>
      n % 5 === 0 ? response.end('{"outputs": [[NaN, 1]]}') : answerZeros(response),
    );
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ sent: 20, answered: 16, failed: 4, reconnects: 0 });
    expect(result!.counts.failures).toMatchObject([{ code: 'AIBENCH_ANSWER', count: 4 }]);
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
    [
      'cut off between chunks',
      (response) => {
        response.write('{"outputs":');
        setTimeout(() => response.socket?.destroy(), 2);
      },
    ],
    ['torn off before it begins', (response) => response.socket?.resetAndDestroy()],
    ['no HTTP', (response) => response.socket?.end('HTTP/9 0 what\r\n\r\n')],
  ])('that is %s costs the connection, and another is made', async (_how, infer) => {
    const { exitCode, result } = await ask((response, n, request) =>
      n % 5 === 0 ? infer(response, n, request) : answerZeros(response),
    );
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ sent: 20, answered: 16, failed: 4 });
    expect(result!.counts.failures).toMatchObject([{ code: 'AIBENCH_CONNECTION', count: 4 }]);
  });

  it('that ends the connection by its own will costs nothing', async () => {
    const { result } = await ask((response) => {
      response.setHeader('connection', 'close');
      answerZeros(response);
    });
    expect(result!.counts).toMatchObject({ sent: 20, answered: 20, failed: 0 });
  });

  it('that is a redirect names where it leads, and is not followed', async () => {
    const seen: string[] = [];
    const { exitCode, stderr } = await ask(
      (response) => response.writeHead(307, { location: 'http://elsewhere/predictions/x' }).end(),
      queries,
      { onRequest: ({ method, url }) => seen.push(`${method} ${url}`) },
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /answered 307, a redirect to http:\/\/elsewhere\/predictions\/x, which is not followed/,
    );
    expect(lines(stderr)).toHaveLength(1);
    expect(seen.every((line) => /\/(ping|predictions\/financialNet_NoReference)?$/.test(line))).toBe(true);
  });

  it('that comes after the limit of the run is not taken for the next one', async () => {
    const { result } = await ask(
      (response, n) => {
        if (n === 1) setTimeout(() => response.end('{"outputs": [[7, 7]]}'), 300);
        else answerZeros(response);
      },
      ['--ignore-errors', '--max-queries', '10', '--workers', '1', '--request-timeout', '150ms'],
    );
    expect(result!.counts).toMatchObject({ sent: 10, answered: 9, failed: 1 });
    expect(result!.counts.failures).toMatchObject([{ code: 'AIBENCH_TIMEOUT' }]);
  });
});

describe('a server that is not ready', () => {
  it.each<[string, NonNullable<FakeOptions['ping']>]>([
    ['says so', (response, n) => (n < 4 ? answerUnhealthy(response) : answerHealthy(response))],
    [
      'answers 503',
      (response, n) => (n < 4 ? response.writeHead(503).end('starting') : answerHealthy(response)),
    ],
  ])('is waited for where it %s', async (_how, ping) => {
    const { exitCode, result } = await ask(answerZeros, queries, { ping });
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ answered: 20, failed: 0 });
  });

  it('is given up at the limit', async () => {
    const flags = [...queries, '--ready-timeout', '300ms'];
    const { host, exitCode, stderr, file } = await ask(answerZeros, flags, { ping: answerUnhealthy });
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${host} is not healthy after 300ms: Unhealthy (`);
    expect(stderr).toContain('--ready-timeout');
    expect(lines(stderr)).toHaveLength(1);
    expect(file).toBeUndefined();
  });

  it('is no reason to wait when the run is interrupted', async () => {
    let interrupt = () => {};
    const host = await startFakeTorchServe(answerZeros, {
      ping(response) {
        answerUnhealthy(response);
        interrupt();
      },
    });
    const run = startBinary('run-inference-torchserve', ['--torchserve-host', host, '--file', dataFile]);
    interrupt = () => run.kill('SIGINT');
    const { exitCode, stderr } = await run.ended;
    expect(stderr).toContain('interrupted');
    expect(exitCode).toBe(130);
  });

  it.each<[string, NonNullable<FakeOptions['ping']>, RegExp]>([
    [
      'is something else',
      (response) => response.end('<h1>Welcome</h1>'),
      /does not answer \/ping as TorchServe does/,
    ],
    ['has no such path', (response) => response.writeHead(404).end(), /has no \/ping/],
    [
      'redirects',
      (response) => response.writeHead(301, { location: 'https://x/ping' }).end(),
      /a redirect to https:\/\/x\/ping/,
    ],
    [
      'wants a key',
      (response) =>
        answerError(
          response,
          400,
          'InvalidKeyException',
          'Token Authorization failed. Token either incorrect',
        ),
      /Token Authorization failed.*AIBENCH_BEARER_TOKEN/,
    ],
  ])('or %s is named', async (_how, ping, words) => {
    const { host, exitCode, stderr } = await ask(answerZeros, queries, { ping });
    expect(exitCode).toBe(1);
    expect(stderr).toContain(host);
    expect(stderr).toMatch(words);
    expect(lines(stderr)).toHaveLength(1);
  });

  it('is waited for by the workers of the model, too', async () => {
    const server = await startServer('--torchserve-models', '');
    const management = server.addresses.torchserveManagement;
    const register = (query: string, method: string) =>
      fetch(`http://${management}/models${query}`, { method });
    await register('?url=financialNet_NoReference.mar', 'POST');
    const flags = [
      ...over('http', server),
      '--torchserve-management-host',
      management,
      '--max-queries',
      '20',
    ];
    const none = await runInference(flags);
    expect(none.exitCode).toBe(1);
    expect(none.stderr).toContain(
      `${management}: none of the 0 workers of model financialNet_NoReference is ready (give it workers`,
    );
    await register('/financialNet_NoReference?min_worker=1', 'PUT');
    expect((await runInference([...flags, '--verify'])).exitCode).toBe(0);
  });
});

describe('a server that is asked too much', () => {
  it.each(['http', 'grpc'])('turns requests away over %s, which is counted', async (protocol) => {
    const server = await startServer('--delay', '20ms');
    const scale = `http://${server.addresses.torchserveManagement}/models/financialNet_NoReference?min_worker=1`;
    await fetch(scale, { method: 'PUT' });
    const flags = [
      '--workers',
      '150',
      '--threads',
      '1',
      '--max-queries',
      '300',
      '--ignore-errors',
      '--verify',
    ];
    const { exitCode, result } = await runWithResult([
      ...[...over(protocol, server), ...flags, '--torchserve-read-timeout', '20s'],
    ]);
    expect(exitCode).toBe(0);
    const { answered, failed, failures, mismatched, sent } = result!.counts;
    expect({ sent, mismatched, together: answered + failed }).toEqual({
      sent: 300,
      mismatched: 0,
      together: 300,
    });
    // One at work and a hundred that wait find their place in the first rush of 150.
    expect(answered).toBeGreaterThanOrEqual(101);
    expect(failures).toMatchObject([
      { code: 'AIBENCH_SERVER', status: protocol === 'http' ? '503' : 'INTERNAL' },
    ]);
    expect(failures[0]!.firstMessage).toContain('no worker');
  });
});

describe('the management port', () => {
  it('must answer where it was given', async () => {
    const server = await startServer();
    const { address } = await startTcpPeer((socket) => socket.destroy());
    for (const [host, words] of [
      [address, address],
      [server.addresses.torchserve, "does not answer as TorchServe's management API"],
    ] as const) {
      const { exitCode, stderr } = await runInference([
        ...[...over('http', server), '--torchserve-management-host', host],
      ]);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(words);
      expect(stderr).toContain('--torchserve-management-host');
      expect(lines(stderr)).toHaveLength(1);
    }
  });
});

describe('the metrics endpoint', () => {
  it('does not end the run where it is missing, which is said', async () => {
    const server = await startServer();
    const { exitCode, stderr, result } = await runWithResult([
      ...[
        ...over('http', server),
        '--max-queries',
        '20',
        '--torchserve-metrics-host',
        server.addresses.torchserve,
      ],
    ]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('answered 404');
    expect(result!.counts.answered).toBe(20);
  });
});

describe('usage', () => {
  const command = { name: 'test', summary: '', examples: [], version: '0' };

  it.each([
    [['--torchserve-host', 'http://user:secret@h'], '"http://***@h" is no address of an HTTP server'],
    [['--torchserve-host', ','], '--torchserve-host names no server'],
    [['--protocol', 'grpc', '--torchserve-grpc-host', 'http://h'], 'is no address of a gRPC server'],
    [['--grpc-client', 'grpc-js'], '--grpc-client does not go with --protocol http'],
    [['--workers-per-connection', '2'], '--workers-per-connection does not go with --protocol http'],
    [['--protocol', 'grpc', '--http-client', 'undici'], '--http-client does not go with --protocol grpc'],
    [['--protocol', 'grpc', '--body', 'binary'], '--body does not go with --protocol grpc'],
    [['--protocol', 'grpc', '--torchserve-request-uri', '/x'], '--torchserve-request-uri does not go with'],
    [['--protocol', 'rest'], 'none of http, grpc'],
    [['--body', 'xml'], 'none of json, binary'],
    [['--torchserve-request-uri', 'predictions/x'], '"predictions/x" is no path'],
    [
      ['--torchserve-request-uri', '/predictions/x', '--model', 'y'],
      '--model is y, and --torchserve-request-uri has x',
    ],
    [
      ['--torchserve-metrics-host', 'a,b'],
      '2 of --torchserve-metrics-host and 1 of --torchserve-host do not pair up',
    ],
    [['--torchserve-management-host', 'redis://x'], 'is no address of an HTTP server'],
    [['--redis-host', 'http://user:secret@h'], '"http://***@h" is no Redis address'],
    [['--header', 'secret'], '--header: what was given is no header'],
    [['--bearer-token', 'sec\nret'], '--bearer-token: the token has characters in it'],
    [['--torchserve-read-timeout', 'soon'], '"soon" is no duration'],
    [['--torchserve-hosts', 'x'], 'did you mean --torchserve-host?'],
  ])('refuses %j', async (flags, words) => {
    const refused = parseFlags(runner.flags, flags, command).then((parsed) => {
      if (parsed.kind === 'run') runner.validate?.(parsed.values);
    });
    await expect(refused).rejects.toMatchObject({ code: 'AIBENCH_USAGE' });
    const line = errorLine(await refused.catch((error: unknown) => error));
    expect(line).toContain(words);
    expect(line).not.toContain('secret');
  });

  it('ends with status 2', async () => {
    const flags = ['--file', dataFile, '--torchserve-request-uri', 'predictions/x'];
    const { exitCode, stderr } = await runInference(flags);
    expect(stderr).toContain('--torchserve-request-uri: "predictions/x" is no path (it begins with a slash');
    expect(exitCode).toBe(2);
  });
});
