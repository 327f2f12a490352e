// One client against one server, for http-client.ts: a process of its own, so that no client runs in another's heap.
// Arguments: the client's name, the address, what is sent, connections, requests. Prints JSON.
import { loadOf } from './http-client-load.js';
import { httpClients } from './http-clients.js';

const [name = '', address = '', load = '', ...numbers] = process.argv.slice(2);
const [connections = 1, requests = 0] = numbers.map(Number);
const { template, data } = loadOf(load);
const target = { address, path: '/size', headers: template.headers };
const posts = await Promise.all(Array.from({ length: connections }, () => httpClients[name]!(target)));
const expected = Buffer.from(String(template.sizeBytes));

async function send(count: number): Promise<void> {
  let left = count;
  const worker = async (post: (typeof posts)[number]) => {
    while (left > 0) {
      left -= 1;
      const answer = await post(template.encode(data));
      if (!expected.equals(answer)) throw new Error(`a wrong answer: ${Buffer.from(answer)}`);
    }
  };
  await Promise.all(posts.map(worker));
}

await send(Math.ceil(requests / 5));
const cpu = process.cpuUsage();
const startMs = performance.now();
await send(requests);
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
