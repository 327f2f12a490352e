import { join } from 'node:path';
import {
  type ReferenceServer,
  startBinary,
  startReferenceServer,
  startTcpPeer,
  temporaryFolder,
} from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { answerHalves, type Handler, startFakeFlask, tellHealth } from './fake-flask.test.fixture.js';
import {
  answeredWindows,
  makeDataFile,
  makeModels,
  readResult,
  runInference,
  runWithResult,
} from './flask-run.test.fixture.js';

const rows = 1_000;
let dataFile: string;
let models: string;

beforeAll(async () => {
  dataFile = await makeDataFile(rows);
  models = await makeModels();
});

function startServer(...args: string[]): Promise<ReferenceServer> {
  return startReferenceServer(['--protocols', 'flask', '--flask-models', models, ...args]);
}

function against({ addresses }: Pick<ReferenceServer, 'addresses'>): string[] {
  return ['--restapi-host', addresses.flask, '--file', dataFile];
}

describe.each(['own', 'undici'])('with the client %s', (client) => {
  const way = ['--http-client', client];

  it('wrong answers are caught', async () => {
    const server = await startServer('--wrong-every', '97');
    const { exitCode, stderr, result } = await runWithResult([...against(server), ...way, '--verify']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/the answer for row \d+ is wrong: out is \[.*\] instead of \[.*\]/);
    expect(result?.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_MISMATCH' });
  });

  it("errors end the run, with the service's words", async () => {
    const server = await startServer('--fail-every', '100');
    const { exitCode, stderr, result } = await runWithResult([...against(server), ...way]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/127.0.0.1:\d+ answered 500: model "\w+" failed: injected failure/);
    expect(result?.outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_SERVER' });
    expect(result!.counts.sent).toBeLessThan(rows);
  });

  it('errors are counted by their status with --ignore-errors', async () => {
    const server = await startServer('--fail-every', '100');
    const flags = ['--ignore-errors', '--verify'];
    const { exitCode, result } = await runWithResult([...against(server), ...way, ...flags]);
    expect(exitCode).toBe(0);
    const { failures, ...counts } = result!.counts;
    expect(counts).toMatchObject({ sent: rows, answered: rows - 10, failed: 10, cutOff: 0, mismatched: 0 });
    expect(counts.reconnects).toBe(0);
    expect(failures).toEqual([
      { code: 'AIBENCH_SERVER', status: '500', count: 10, firstMessage: expect.stringContaining('injected') },
    ]);
  });

  it('a request that is too large is named', async () => {
    const server = await startServer('--max-message-bytes', '100');
    const flags = ['--ignore-errors', '--max-queries', '20'];
    const { result } = await runWithResult([...against(server), ...way, ...flags]);
    expect(result!.counts).toMatchObject({ sent: 20, answered: 0, failed: 20, reconnects: 0 });
    expect(result!.counts.failures).toMatchObject([
      { status: '413', firstMessage: expect.stringContaining('the body is larger than 100 bytes') },
    ]);
  });

  it.each([
    ['--restapi-read-timeout', '--request-timeout', '30s'],
    ['--request-timeout', '--restapi-read-timeout', '0s'],
    ['--request-timeout', '--restapi-read-timeout', '30s'],
  ])('%s gives a slow service up, and it is asked anew with --ignore-errors', async (limit, other, long) => {
    const server = await startServer('--delay', '1s');
    const flags = [limit, '200ms', other, long, '--max-queries', '16', ...way];
    const ended = await runWithResult([...against(server), ...flags]);
    expect(ended.exitCode).toBe(1);
    expect(ended.result?.outcome.code).toBe('AIBENCH_TIMEOUT');
    const { result } = await runWithResult([...against(server), ...flags, '--ignore-errors']);
    expect(result!.counts).toMatchObject({ sent: 16, answered: 0, failed: 16, cutOff: 0 });
    expect(new Set(result!.counts.failures.map(({ code }) => code))).toEqual(new Set(['AIBENCH_TIMEOUT']));
  });

  it('a service that goes away ends the run with a result', async () => {
    const server = await startServer('--delay', '2ms');
    const json = join(temporaryFolder(), 'result.json');
    const run = startBinary('run-inference-flask', [
      ...[...against(server), ...way, '--json-out-file', json],
      ...['--duration', '30s', '--reporting-period', '100ms'],
    ]);
    await run.waitFor(/\n *0\.2s .*\n/);
    await server.stop();
    const { exitCode, stderr } = await run.ended;
    expect(exitCode).toBe(1);
    expect(stderr).toContain(server.addresses.flask);
    const { outcome, counts } = readResult(json).Result;
    expect(outcome).toMatchObject({ kind: 'failed', code: 'AIBENCH_CONNECTION' });
    expect(counts.answered).toBeGreaterThan(0);
    expect(counts.sent).toBe(counts.answered + counts.failed + counts.cutOff);
  });

  it('a service that comes back is asked again with --ignore-errors', async () => {
    const server = await startServer('--delay', '2ms');
    const json = join(temporaryFolder(), 'result.json');
    const run = startBinary('run-inference-flask', [
      ...[...against(server), ...way, '--json-out-file', json, '--ignore-errors', '--verify'],
      ...['--duration', '8s', '--reporting-period', '100ms', '--limit-rps', '500'],
    ]);
    await run.waitFor(/\n *0\.5s .*\n/);
    await server.stop();
    await run.waitFor(/ [1-9]\d*\n *[\d.]+s +0 .*\n/);
    await startServer('--flask-port', server.addresses.flask.split(':')[1]!);
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
  });

  const ignoring = ['--ignore-errors', '--max-queries', '20', '--workers', '2', ...way];

  async function ask(predict: Handler, flags: readonly string[] = ignoring) {
    const host = await startFakeFlask({ predict });
    return runWithResult(['--restapi-host', host, '--file', dataFile, ...flags]);
  }

  it('an answer that is none of 200 is counted by its status', async () => {
    const { exitCode, result } = await ask((response, n) => {
      if (n % 4 === 0) response.writeHead(503).end('<html>no\n worker</html>');
      else if (n % 4 === 1) response.writeHead(400).end('{"error":"what?"}');
      else if (n % 4 === 2) response.writeHead(307, { location: 'https://elsewhere/v2/predict' }).end();
      else answerHalves(response);
    });
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ sent: 20, answered: 5, failed: 15, reconnects: 0 });
    const failures = [...result!.counts.failures].sort((a, b) => (a.status! < b.status! ? -1 : 1));
    expect(failures).toMatchObject([
      {
        ...{ code: 'AIBENCH_SERVER', status: '307', count: 5 },
        firstMessage: expect.stringContaining('a redirect to https://elsewhere/v2/predict'),
      },
      { code: 'AIBENCH_SERVER', status: '400', count: 5, firstMessage: expect.stringContaining('what?') },
      {
        ...{ code: 'AIBENCH_SERVER', status: '503', count: 5 },
        firstMessage: expect.stringContaining('<html>no worker</html>'),
      },
    ]);
  });

  it.each([
    ['is not JSON', 'hello', 'what is no JSON: "hello"'],
    ['has NaN', '{"outputs":[[0.5,NaN]]}', 'a number that is none'],
    ['has more rows', '{"outputs":[[0.5,0.5],[0.5,0.5]]}', 'with 4 numbers in out'],
    ['is of another shape', '{"result":[[0.5,0.5]]}', 'without output out'],
  ])('an answer that %s is refused', async (_how, body, words) => {
    const { result } = await ask((response) => response.end(body));
    expect(result!.counts).toMatchObject({ sent: 20, answered: 0, failed: 20, reconnects: 0 });
    expect(result!.counts.failures).toMatchObject([
      { code: 'AIBENCH_ANSWER', count: 20, firstMessage: expect.stringContaining(words) },
    ]);
  });

  it.each<[string, Handler]>([
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
        response.write('{"outputs":[[0.5,0.5]]}');
        response.socket?.destroySoon();
      },
    ],
    ['torn off before it begins', (response) => response.socket?.resetAndDestroy()],
  ])('an answer that is %s costs the connection, and another is made', async (_how, predict) => {
    const { exitCode, result } = await ask((response, n) =>
      n % 5 === 0 ? predict(response, n) : answerHalves(response),
    );
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ sent: 20, answered: 16, failed: 4, reconnects: 4 });
    expect(result!.counts.failures).toMatchObject([{ code: 'AIBENCH_CONNECTION', count: 4 }]);
  });

  it.each<[string, Handler]>([
    [
      'comes in chunks',
      (response) => {
        response.write('{"outputs":');
        response.write('[[0.5,');
        setImmediate(() => response.end('0.5]]}'));
      },
    ],
    [
      'ends the connection by its own will',
      (response) => {
        response.setHeader('connection', 'close');
        answerHalves(response);
      },
    ],
    ['is a list alone', (response) => response.end('[0.5,0.5]')],
    ['is called by its name', (response) => response.end('{"out":[[0.5,0.5]]}')],
  ])('an answer that %s costs nothing', async (_how, predict) => {
    const { result } = await ask(predict);
    expect(result!.counts).toMatchObject({ sent: 20, answered: 20, failed: 0, reconnects: 0 });
  });
});

describe('before the load', () => {
  it('a service that has fewer connections to give than there are workers is named', async () => {
    let asked = 0;
    const { address } = await startTcpPeer((socket) => {
      // As one whose workers each hold on to a connection: the first three are served, the others wait.
      asked += 1;
      if (asked > 3) return;
      socket.on('data', () => socket.write('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n'));
    });
    const flags = ['--workers', '6', '--restapi-read-timeout', '300ms'];
    const { exitCode, stderr } = await runInference([
      '--restapi-host',
      address,
      '--file',
      dataFile,
      ...flags,
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(new RegExp(`${address} does not answer worker \\d of 6 \\(.*lower --workers\\)`));
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('a service that is starting is waited for', async () => {
    const host = await startFakeFlask({
      health: (response, n) => {
        if (n > 3) tellHealth(response);
        else response.writeHead(n === 2 ? 502 : 503).end('starting');
      },
    });
    const flags = ['--restapi-host', host, '--file', dataFile, '--max-queries', '10'];
    const { exitCode, stderr, result } = await runWithResult(flags);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(result!.counts).toMatchObject({ answered: 10 });
    expect(result!.server).toMatchObject({
      ...{ product: 'Flask', version: '3.1.0', isReference: false },
      details: { gunicorn: '23.0.0', workers: 4, backend: 'onnxruntime', backendVersion: '1.20.0' },
    });
  });

  it('one that is not there yet is, too', async () => {
    const server = await startServer();
    await server.stop();
    const run = startBinary('run-inference-flask', [
      ...[...against(server), '--quiet', '--max-queries', '10', '--verify'],
    ]);
    await startServer('--flask-port', server.addresses.flask.split(':')[1]!);
    expect(await run.ended).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it.each<[string, Handler, string]>([
    [
      'goes on starting',
      (response) => response.writeHead(503).end('starting'),
      'answered 503: starting (is it still starting? see --ready-timeout',
    ],
    [
      'fails',
      (response) => response.writeHead(500).end('{"error":"out of memory"}'),
      'answered 500: out of memory',
    ],
    [
      'refuses the login',
      (response) => response.writeHead(401).end('who are you?'),
      'answered 401: who are you? (see --bearer-token and --header)',
    ],
    [
      'leads elsewhere',
      (response) => response.writeHead(302, { location: 'http://elsewhere/' }).end(),
      'a redirect to http://elsewhere/, which is not followed',
    ],
    [
      'could not load the model',
      (response) =>
        tellHealth(response, {
          models: [{ name: 'financialNet_NoReference', inputs: [], outputs: [], error: 'no such op' }],
        }),
      'has no model with the inputs transaction; there are: financialNet_NoReference; financialNet_NoReference could not be loaded: no such op',
    ],
    [
      'tells nothing of its models',
      (response) => tellHealth(response, { models: 'many' }),
      'tells nothing of its models at /health',
    ],
  ])('one that %s is named', async (_how, health, words) => {
    const host = await startFakeFlask({ health });
    const { exitCode, stderr, file } = await runWithResult([
      ...['--restapi-host', host, '--file', dataFile, '--ready-timeout', '300ms'],
    ]);
    expect(stderr).toContain(host);
    expect(stderr).toContain(words);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(exitCode).toBe(1);
    expect(file).toBeUndefined();
  });

  it('services that would answer with different models are named', async () => {
    const hosts = await Promise.all([
      startServer(),
      startFakeFlask({ health: (response) => response.end('ok') }),
    ]);
    const list = [hosts[0].addresses.flask, hosts[1]];
    const { exitCode, stderr } = await runInference(['--restapi-host', list.join(','), '--file', dataFile]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${list[1]} is of another make than ${list[0]}`);
  });

  it.each([
    ['nobody', undefined, 'connection refused'],
    ['a server of HTTP/2', '\0\0\0\x04\0\0\0\0\0', undefined],
    ['a Redis', '-ERR unknown command\r\n', undefined],
    ['a server that hangs up', '', undefined],
  ])('%s in its place is named', async (_who, answer, words) => {
    const { address, stop } = await startTcpPeer((socket) => {
      socket.once('data', () => socket.end(answer ?? ''));
    });
    if (answer === undefined) await stop();
    const { exitCode, stderr, file } = await runWithResult([
      ...['--restapi-host', address, '--file', dataFile, '--ready-timeout', '300ms'],
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(address);
    expect(stderr).toContain(words ?? '--restapi-host');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(file).toBeUndefined();
  });

  it('a server that says nothing does not hold up the run', async () => {
    const { address } = await startTcpPeer(() => {});
    const flags = ['--request-timeout', '100ms', '--ready-timeout', '0s'];
    const { exitCode, stderr } = await runInference([
      '--restapi-host',
      address,
      '--file',
      dataFile,
      ...flags,
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(address);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('usage', () => {
  it.each([
    [['--restapi-host', 'http://user:secret@h'], '"http://***@h" is no address of an HTTP server'],
    [['--restapi-host', 'grpc://h'], 'is no address of an HTTP server'],
    [['--restapi-host', ''], '--restapi-host'],
    [['--restapi-request-uri', 'v2/predict'], '"v2/predict" is no path'],
    [['--restapi-request-uri', 'http://h/v2/predict'], 'is no path'],
    [['--restapi-request-uri', '/v2/ predict'], 'is no path'],
    [['--body', 'xml'], 'none of auto, multipart, json'],
    [['--http-client', 'fetch'], 'none of own, undici'],
    [['--header', 'secret'], 'what was given is no header'],
    [['--header', 'Content-Type: secret'], 'Content-Type is written by the client itself'],
    [['--bearer-token', 'secret', '--header', 'Authorization: secret'], 'are two logins'],
    [['--redis-host', 'http://user:secret@h'], '"http://***@h" is no Redis address'],
    [['--restapi-hosts', 'x'], 'did you mean --restapi-host?'],
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
    const flags = ['--tls-ca', '/nonexistent.pem', '--restapi-host', 'https://127.0.0.1:1'];
    const { exitCode, stderr } = await runInference(['--file', dataFile, ...flags]);
    expect(stderr).toContain('cannot read /nonexistent.pem: there is no such file');
    expect(exitCode).toBe(1);
  });
});
