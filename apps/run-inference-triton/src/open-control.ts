import { openControlClient } from '@aibench/grpc';
import type { RunnerContext } from '@aibench/harness';
import { GrpcControl, type TritonControl } from '@aibench/triton';
import type { flags, TritonFlags } from './flags.js';
import { HttpControl } from './http-control.js';
import { type ServerAddress, serverAddresses } from './server-addresses.js';

/**
 * Questions take longer than inferences: the server may be looking for the model on a disk. The engine waits for 5 s at
 * least, and would not know which server it was that did not answer.
 */
const shortestLimitMs = 3_500;
const shareOfRequestTimeout = 0.8;

/** Clients for questions, one for each server; each connects with its first question. */
export function openControls({
  flags: values,
  requestTimeoutMs,
}: RunnerContext<typeof flags>): readonly [TritonControl, ...TritonControl[]] {
  const timeoutMs = Math.max(requestTimeoutMs * shareOfRequestTimeout, shortestLimitMs);
  const open = (address: ServerAddress): TritonControl =>
    address.protocol === 'http'
      ? new HttpControl(address.http, { timeoutMs })
      : new GrpcControl(openControlClient(address.grpc, { flag: '--host', timeoutMs }));
  const [first, ...others] = serverAddresses(values);
  return [open(first), ...others.map(open)];
}

/** Closes what {@link openControls} has opened. */
export async function closeControls(controls: readonly TritonControl[]): Promise<void> {
  await Promise.all(controls.map((control) => control.close()));
}

/** The model's name, as the user gives it. */
export function modelName({ model }: TritonFlags, task: { readonly defaultModelName: string }): string {
  return model === '' ? task.defaultModelName : model;
}
