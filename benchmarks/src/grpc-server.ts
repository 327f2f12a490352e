// A gRPC server for grpc-client.ts where there is no Go: node:http2, framed by hand. Prints its address.
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';

const server = createServer({ settings: { initialWindowSize: 1_048_576, maxConcurrentStreams: 1_000 } });
server.on('stream', (stream) => {
  let length = -5;
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length;
  });
  stream.on('end', () => {
    const answer = [0x08];
    for (let rest = length; ; rest >>>= 7) {
      answer.push(rest < 0x80 ? rest : (rest & 0x7f) | 0x80);
      if (rest < 0x80) break;
    }
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.end(Buffer.from([0, 0, 0, 0, answer.length, ...answer]));
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(`127.0.0.1:${(server.address() as AddressInfo).port}`);
});
