import { expect, it, vi } from 'vitest';
import { Http2Connection } from './http2-connection.js';
import { FrameType, largest31Bits } from './http2-protocol.js';
import { answerFrames, startRawPeer } from './raw-peer.test.fixture.js';
import { RequestHead } from './request-head.js';
import { UnaryCall } from './unary-call.js';

const head = new RequestHead({ scheme: 'http', authority: 'h', path: '/a/b', timeoutMs: 0 });

function call(connection: Http2Connection): Promise<Uint8Array> {
  const message = Buffer.from('a');
  return new Promise((resolve, reject) => {
    connection.start(new UnaryCall(head, message, 1, Number.POSITIVE_INFINITY, 1_000, { resolve, reject }));
  });
}

it('takes no more calls when there are no more streams, and closes when the last call is done', async () => {
  const answered: number[] = [];
  const peer = await startRawPeer((connection) => {
    connection.onFrame = ({ type, streamId }) => {
      if (type !== FrameType.data) return;
      answered.push(streamId);
      connection.socket.write(answerFrames(streamId));
    };
  });
  const onRetired = vi.fn();
  const connection = await Http2Connection.open(
    { host: '127.0.0.1', port: peer.port },
    {
      context: { address: peer.address, flag: '--host', tls: false },
      connectTimeoutMs: 5_000,
      onRetired,
      firstStreamId: largest31Bits - 2,
    },
  );
  expect(String(await call(connection))).toBe('A');
  expect(connection.isUsable).toBe(true);
  const last = call(connection);
  expect(connection.isUsable).toBe(false);
  expect(onRetired).toHaveBeenCalledExactlyOnceWith([]);
  expect(String(await last)).toBe('A');
  expect(answered).toEqual([largest31Bits - 2, largest31Bits]);
  await connection.closed;
});
