// One client against one server, for grpc-client.ts: a process of its own, so that no client runs in another's heap.
// Arguments: the client's name, host, port, size of a request, requests in flight, connections, requests. Prints JSON.
import { grpcClients } from './grpc-clients.js';

const [name = '', host = '', ...numbers] = process.argv.slice(2);
const [port = 0, requestBytes = 0, concurrency = 1, connections = 1, requests = 0] = numbers.map(Number);
const calls = await Promise.all(
  Array.from({ length: connections }, () => grpcClients[name]!(host, port, '/test.Service/Size')),
);
// A protobuf message, for ghz' sake, as the answer is: a field of bytes, and one with their number.
const header = [0x0a, ...varint(requestBytes)];
const message = Buffer.concat([Buffer.from(header), Buffer.alloc(requestBytes, 'a')]);
const expected = Buffer.from([0x08, ...varint(message.length)]);

async function load(count: number): Promise<void> {
  let left = count;
  const worker = async (_: unknown, i: number) => {
    const call = calls[i % connections]!;
    while (left > 0) {
      left -= 1;
      const answer = await call(message);
      if (!expected.equals(answer)) throw new Error('a wrong answer');
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

await load(Math.ceil(requests / 5));
const cpu = process.cpuUsage();
const startMs = performance.now();
await load(requests);
const seconds = (performance.now() - startMs) / 1_000;
const { user, system } = process.cpuUsage(cpu);
console.log(
  JSON.stringify({
    ratePerSecond: requests / seconds,
    cpuUs: (user + system) / requests,
    systemUs: system / requests,
  }),
);
process.exit(0);
