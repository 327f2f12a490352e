import type { Socket } from 'node:net';
import { startTcpPeer, type TcpPeer } from '@aibench/testing';
import { FrameReader } from './frame-reader.js';
import { connectionPreface, FrameType, frameHeaderBytes, writeFrameHeader } from './http2-protocol.js';

/** A frame that a client has sent. */
export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly contents: Buffer;
}

/** One connection of a {@link startRawPeer}. */
export interface RawConnection {
  readonly socket: Socket;
  readonly seen: SeenFrame[];
  /** Called for every frame of the client's; set it to answer. */
  onFrame: (frame: SeenFrame) => void;
}

/** The bytes of a frame. */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  contents: Uint8Array | string = '',
): Buffer {
  const body = typeof contents === 'string' ? Buffer.from(contents, 'hex') : contents;
  const bytes = Buffer.alloc(frameHeaderBytes + body.length);
  writeFrameHeader(bytes, 0, body.length, type, flags, streamId);
  bytes.set(body, frameHeaderBytes);
  return bytes;
}

/** `:status: 200` and `content-type: application/grpc` (as `grpc-status: 0` below, literals that aren't indexed). */
export const headersBlock = `885f10${Buffer.from('application/grpc').toString('hex')}`;
/** `grpc-status: 0`. */
export const trailersBlock = `000b${Buffer.from('grpc-status').toString('hex')}0130`;

/** A whole answer to a call: headers, a message of one octet, trailers. */
export function answerFrames(streamId: number): Buffer {
  return Buffer.concat([
    frame(FrameType.headers, 4, streamId, headersBlock),
    frame(FrameType.data, 0, streamId, '000000000141'),
    frame(FrameType.headers, 5, streamId, trailersBlock),
  ]);
}

/** A peer that greets as an HTTP/2 server does, and then does what a test wants, right or wrong. */
export function startRawPeer(onConnection: (connection: RawConnection) => void): Promise<TcpPeer> {
  return startTcpPeer((socket) => {
    const seen: SeenFrame[] = [];
    const connection: RawConnection = { socket, seen, onFrame: () => {} };
    const reader = new FrameReader(
      {
        onData(streamId, bytes, start, end, _, endsStream) {
          take({
            type: 0,
            flags: endsStream ? 1 : 0,
            streamId,
            contents: Buffer.from(bytes.subarray(start, end)),
          });
        },
        onFrame(type, flags, streamId, bytes, start, end) {
          take({ type, flags, streamId, contents: Buffer.from(bytes.subarray(start, end)) });
        },
      },
      1 << 24,
    );
    const take = (one: SeenFrame) => {
      seen.push(one);
      connection.onFrame(one);
    };
    let preface = connectionPreface.length;
    socket.on('data', (bytes) => {
      const skipped = Math.min(preface, bytes.length);
      preface -= skipped;
      const rest = Buffer.from(bytes.subarray(skipped));
      reader.push(rest, rest.length);
    });
    socket.write(frame(FrameType.settings, 0, 0));
    onConnection(connection);
  });
}
