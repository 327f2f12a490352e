import { connect, type Socket } from 'node:net';
import { encodeCommand, hashSlot, ReplyScanner, type ScannedReply } from '@aibench/redis';
import { startReferenceServer, startTcpPeer } from '@aibench/testing';

const slotCount = 16_384;

/**
 * Reference servers behind proxies that make a Redis Cluster of them: they tell
 * the map of slots, and refuse, as RedisAI in a cluster does, keys of another
 * node (MOVED) or of several slots (CROSSSLOT).
 *
 * @param args the reference servers' flags
 * @returns `127.0.0.1:<port>` of each node
 */
export async function startReferenceCluster(
  nodeCount: number,
  args: readonly string[] = [],
): Promise<string[]> {
  const servers = await Promise.all(Array.from({ length: nodeCount }, () => startReferenceServer(args)));
  const ports: number[] = [];
  const ownerOf = (slot: number) => Math.floor((slot * nodeCount) / slotCount);
  const slotMap = (): ScannedReply =>
    ports.map((port, node) => [
      Math.ceil((node * slotCount) / nodeCount),
      Math.ceil(((node + 1) * slotCount) / nodeCount) - 1,
      [Buffer.from('127.0.0.1'), port, Buffer.from(`node${node}`)],
    ]);
  for (const [node, server] of servers.entries()) {
    const port = Number(server.addresses.redis.split(':')[1]);
    const judge = (command: readonly Buffer[]): Buffer | undefined => {
      const [name, subcommand] = command.map((arg) => arg.toString().toUpperCase());
      if (name === 'CLUSTER' && subcommand === 'SLOTS') return encodeReply(slotMap());
      const slots = [...new Set(keysOf(command).map(hashSlot))];
      if (slots.length > 1) return Buffer.from("-CROSSSLOT Keys in request don't hash to the same slot\r\n");
      const [slot] = slots;
      if (slot === undefined || ownerOf(slot) === node) return undefined;
      return Buffer.from(`-MOVED ${slot} 127.0.0.1:${ports[ownerOf(slot)]}\r\n`);
    };
    const peer = await startTcpPeer((socket) => proxy(socket, connect(port, '127.0.0.1'), judge));
    ports.push(peer.port);
  }
  return ports.map((port) => `127.0.0.1:${port}`);
}

const keyless = new Set([
  'PING',
  'INFO',
  'AUTH',
  'SELECT',
  'HELLO',
  'MODULE',
  'COMMAND',
  'CONFIG',
  'CLUSTER',
]);
const allKeys = new Set(['DEL', 'EXISTS', 'UNLINK', 'MGET']);

/** The keys of a command, as RedisAI reports them to a cluster: those of a DAG's AI.MODELRUN are not. */
function keysOf(command: readonly Buffer[]): string[] {
  const args = command.map((arg) => arg.toString('latin1'));
  const name = args[0]!.toUpperCase();
  if (keyless.has(name) || args.length < 2) return [];
  if (allKeys.has(name)) return args.slice(1);
  if (/^AI\.DAG/.test(name)) {
    return args.flatMap((arg, i) => {
      if (arg === 'LOAD' || arg === 'PERSIST') return args.slice(i + 2, i + 2 + Number(args[i + 1]));
      return arg === 'ROUTING' || arg === 'AI.MODELEXECUTE' ? [args[i + 1]!] : [];
    });
  }
  if (name === 'AI.MODELRUN' || name === 'AI.MODELEXECUTE') {
    return args.slice(1).filter((arg) => !/^(INPUTS|OUTPUTS|\d+)$/.test(arg));
  }
  return [args[1]!];
}

/** Passes commands on, save those that `judge` answers itself; replies keep the commands' order. */
function proxy(
  client: Socket,
  server: Socket,
  judge: (command: readonly Buffer[]) => Buffer | undefined,
): void {
  const replies: { raw: Buffer | undefined }[] = [];
  const deliver = () => {
    while (replies[0]?.raw !== undefined) client.write(replies.shift()!.raw!);
  };
  const commands = new ReplyScanner((scanned) => {
    const command = scanned as readonly Buffer[];
    const raw = judge(command);
    replies.push({ raw });
    if (raw === undefined) server.write(encodeCommand(command));
    deliver();
  });
  const answers = new ReplyScanner((reply) => {
    replies.find(({ raw }) => raw === undefined)!.raw = encodeReply(asNode(reply));
    deliver();
  });
  client.on('data', (chunk) => commands.push(chunk as Buffer));
  server.on('data', (chunk) => answers.push(chunk as Buffer));
  client.on('close', () => server.destroy());
  server.on('close', () => client.destroy());
  server.on('error', () => {});
}

/** INFO says of itself what a node of a cluster would. */
function asNode(reply: ScannedReply): ScannedReply {
  if (!Buffer.isBuffer(reply) || !reply.includes('cluster_enabled:0')) return reply;
  return Buffer.from(reply.toString().replace('cluster_enabled:0', 'cluster_enabled:1'));
}

function encodeReply(reply: ScannedReply): Buffer {
  if (reply === null) return Buffer.from('$-1\r\n');
  if (typeof reply === 'number') return Buffer.from(`:${reply}\r\n`);
  if (typeof reply === 'string') return Buffer.from(`+${reply}\r\n`);
  if (Buffer.isBuffer(reply))
    return Buffer.concat([Buffer.from(`$${reply.length}\r\n`), reply, Buffer.from('\r\n')]);
  if (Array.isArray(reply))
    return Buffer.concat([Buffer.from(`*${reply.length}\r\n`), ...reply.map(encodeReply)]);
  return Buffer.from(`-${(reply as { text: string }).text}\r\n`);
}
