import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '@aibench/testing';

/** What the messages of grpc-client-run.ts are, to ghz. */
const proto = `syntax = "proto3";
package test;
message Blob { bytes data = 1; }
message Length { uint64 value = 1; }
service Service { rpc Size(Blob) returns (Length); }
`;

/** What ghz has measured of itself. */
export interface GhzResult {
  readonly ratePerSecond: number;
  readonly cpuUs: number;
}

/** The path of ghz, the public load generator for gRPC, where it is on the PATH or where `go install` puts it. */
export function findGhz(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), join(homedir(), 'go', 'bin')];
  return folders.map((folder) => join(folder, 'ghz')).find((path) => existsSync(path));
}

/** What ghz is to send. */
export interface GhzLoad {
  readonly requestBytes: number;
  /** Requests in flight. */
  readonly concurrency: number;
  readonly connections: number;
  readonly requests: number;
}

/** Runs ghz on one processor. CPU is that of its whole process, its start included. */
export async function runGhz(ghz: string, address: string, load: GhzLoad): Promise<GhzResult> {
  const { requestBytes, concurrency, connections, requests } = load;
  const folder = temporaryFolder();
  const protoPath = join(folder, 'test.proto');
  const dataPath = join(folder, 'data.bin');
  writeFileSync(protoPath, proto);
  const length = [(requestBytes & 0x7f) | 0x80, requestBytes >>> 7];
  writeFileSync(dataPath, Buffer.concat([Buffer.from([0x0a, ...length]), Buffer.alloc(requestBytes, 'a')]));
  const args = [
    ...['--insecure', '--proto', protoPath, '--call', 'test.Service.Size', '--binary-file', dataPath],
    ...[
      '-c',
      String(concurrency),
      '-n',
      String(requests),
      '--connections',
      String(connections),
      '--cpus',
      '1',
      '-O',
      'json',
    ],
    address,
  ];
  // The shell's `times` tells what its children have used.
  const command = ['-c', '"$@" && times', 'bash', ghz, ...args];
  const { stdout } = await promisify(execFile)('bash', command, { maxBuffer: 256 << 20 });
  const [, minutes, seconds, systemMinutes, systemSeconds] = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/
    .exec(stdout)!
    .map(Number) as [number, number, number, number, number];
  const report = JSON.parse(stdout.slice(0, stdout.lastIndexOf('}') + 1)) as { rps: number };
  const cpuSeconds = (minutes + systemMinutes) * 60 + seconds + systemSeconds;
  return { ratePerSecond: report.rps, cpuUs: (cpuSeconds * 1e6) / requests };
}
