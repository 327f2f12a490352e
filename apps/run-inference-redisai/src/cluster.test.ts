import { join } from 'node:path';
import { temporaryFolder } from '@aibench/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeDataFile, readResult, runInference, succeed } from './loaded-server.test.fixture.js';
import { startReferenceCluster } from './reference-cluster.test.fixture.js';

const rows = 600;
let dataFile: string;
let nodes: string[];

beforeAll(async () => {
  dataFile = await makeDataFile(rows);
  nodes = await startReferenceCluster(3);
  await succeed('load-data', ['--redis-host', nodes[0]!, '--cluster-mode', '--file', dataFile]);
});

describe('aibench-run-inference-redisai in a cluster', () => {
  it('finds a copy of the model on every master, and the row that each owns', async () => {
    const { stdout } = await succeed('setup-model', [
      ...['--host', nodes[1]!, '--cluster-mode', '--enable-reference-data-redis'],
    ]);
    const lines = stdout.toString().trim().split('\n');
    expect(lines).toHaveLength(3);
    for (const [i, line] of lines.entries()) {
      expect(line).toContain(nodes[i]);
      expect(line).toMatch(/financialNet\{\d+\}.*as expected$/);
    }
    const json = join(temporaryFolder(), 'result.json');
    const { exitCode, stderr } = await runInference([
      ...['--host', nodes[2]!, '--cluster-mode', '--enable-reference-data-redis', '--verify'],
      ...['--file', dataFile, '--json-out-file', json],
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    const { counts, server } = readResult(json).Result;
    expect(counts).toMatchObject({ answered: rows, verified: rows, mismatched: 0 });
    // AI.DAGEXECUTE would demand that the model shares the slot of each row's reference tensor.
    expect(server.details).toMatchObject({ cluster: true, commandFamily: 'run', addresses: nodes.join(',') });
  });

  it.each(['--use-dag=true', '--use-dag=false'])('does without reference data, %s', async (useDag) => {
    await succeed('setup-model', ['--host', nodes[0]!, '--cluster-mode']);
    const json = join(temporaryFolder(), 'result.json');
    const { exitCode, stderr } = await runInference([
      ...['--host', nodes[0]!, '--cluster-mode', '--verify', '--file', dataFile, '--json-out-file', json],
      useDag,
    ]);
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    const { counts, server } = readResult(json).Result;
    expect(counts).toMatchObject({ answered: rows, verified: rows, mismatched: 0 });
    expect(server.details).toMatchObject({ cluster: true, commandFamily: 'execute' });
  });

  it.each([
    [['--use-dag=false', '--enable-reference-data-redis'], 2, 'pass --use-dag'],
    [['--command-family', 'new', '--enable-reference-data-redis'], 2, 'leave out --command-family'],
    [['--pool-pipeline-concurrency', '2'], 2, 'does not go with --cluster-mode'],
    [['--model', 'net{1}'], 2, 'must not have braces'],
    [['--model', 'unknown'], 1, 'has no model unknown{'],
  ])('says what cannot be done: %s', async (flags, status, words) => {
    const { exitCode, stderr } = await runInference([
      ...['--host', nodes[0]!, '--cluster-mode', '--file', dataFile, ...flags],
    ]);
    expect(stderr).toContain(words);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(exitCode).toBe(status);
  });

  it('says that a node of a cluster is one where the flag is left out', async () => {
    const { exitCode, stderr } = await runInference(['--host', nodes[0]!, '--file', dataFile]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/MOVED .*pass --cluster-mode|has no model/);
  });
});
