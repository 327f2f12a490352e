import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '@aibench/testing';

/** What wrk is to send. */
export interface WrkLoad {
  /** `127.0.0.1:<port>` */
  readonly address: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly connections: number;
  readonly seconds: number;
}

/** What wrk has measured of itself. */
export interface WrkResult {
  readonly ratePerSecond: number;
  readonly cpuUs: number;
}

/** Runs wrk, the public load generator for HTTP, with one thread. CPU is that of its whole process, its start included. */
export async function runWrk(load: WrkLoad): Promise<WrkResult> {
  const { address, path, headers, body, connections, seconds } = load;
  const folder = temporaryFolder();
  const bodyPath = join(folder, 'body.bin');
  const scriptPath = join(folder, 'post.lua');
  writeFileSync(bodyPath, body);
  const fields = Object.entries(headers).map(([name, value]) => `wrk.headers["${name}"] = "${value}"\n`);
  writeFileSync(
    scriptPath,
    `local file = io.open("${bodyPath}", "rb")\nwrk.body = file:read("*a")\nwrk.method = "POST"\n${fields.join('')}`,
  );
  const wrk = [
    'wrk',
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '-s',
    scriptPath,
    `http://${address}${path}`,
  ];
  // The shell's `times` tells what its children have used.
  const { stdout } = await promisify(execFile)('bash', ['-c', '"$@" && times', 'bash', ...wrk]);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`wrk has failed: ${stdout}`);
  const requests = Number(/(\d+) requests in/.exec(stdout)![1]);
  const ratePerSecond = Number(/Requests\/sec:\s*([\d.]+)/.exec(stdout)![1]);
  const [, minutes, userSeconds, systemMinutes, systemSeconds] = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/
    .exec(stdout)!
    .map(Number) as [number, number, number, number, number];
  const cpuSeconds = (minutes + systemMinutes) * 60 + userSeconds + systemSeconds;
  return { ratePerSecond, cpuUs: (cpuSeconds * 1e6) / requests };
}
