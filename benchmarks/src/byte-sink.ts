// Counts bytes, for image-bytes.ts: a process of its own that answers one byte after each so many on a connection.
// Argument: how many. Prints its port.
import { type AddressInfo, createServer } from 'node:net';

const answerAfter = Number(process.argv[2]);
const word = Buffer.of(1);
const server = createServer({ noDelay: true }, (socket) => {
  let seen = 0;
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    for (seen += chunk.length; seen >= answerAfter; seen -= answerAfter) socket.write(word);
  });
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
