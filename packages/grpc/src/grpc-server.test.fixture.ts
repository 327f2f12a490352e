import { afterwards } from '@aibench/testing';
import {
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
} from '@grpc/grpc-js';

/** A server by @grpc/grpc-js, not written here, that speaks in plain bytes. */
export interface GrpcServer {
  readonly address: string;
  readonly port: number;
  /** Calls of /test.Service/Silent that the client has cancelled. */
  cancelled(): number;
  /** Lets go of the calls of /test.Service/Held, the last first. */
  release(): void;
  stop(): Promise<void>;
}

/** How a {@link GrpcServer} is set up. */
export interface GrpcServerOptions {
  readonly credentials?: ServerCredentials;
  readonly port?: number;
  readonly maxConcurrentStreams?: number;
}

const asIs = (bytes: Buffer) => bytes;

function definition(path: string): MethodDefinition<Buffer, Buffer> {
  return {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

/** Starts the server on a free port of 127.0.0.1; it is stopped after the test. */
export async function startGrpcServer(options: GrpcServerOptions = {}): Promise<GrpcServer> {
  const server = new Server({
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    ...(options.maxConcurrentStreams === undefined
      ? {}
      : { 'grpc.max_concurrent_streams': options.maxConcurrentStreams }),
  });
  let cancelled = 0;
  const held: (() => void)[] = [];
  const methods: Record<string, handleUnaryCall<Buffer, Buffer>> = {
    Echo(call, done) {
      const metadata = new Metadata();
      metadata.set('server', 'a-server/1');
      call.sendMetadata(metadata);
      done(null, call.request);
    },
    /** Fails with the status and the text of the request: `5 not there`. */
    Fail(call, done) {
      const [, code, details] = /^(\d+) (.*)$/s.exec(call.request.toString())!;
      done({ code: Number(code), details: details! });
    },
    /** Fails after the answer has begun, so not by trailers alone. */
    FailLate(call, done) {
      call.sendMetadata(new Metadata());
      setImmediate(() => done({ code: 13, details: 'late' }));
    },
    Silent(call) {
      call.on('cancelled', () => {
        cancelled += 1;
      });
    },
    Held(call, done) {
      held.push(() => done(null, call.request));
    },
    /** Gives back what the call has under the name that the request says. */
    Metadata(call, done) {
      done(null, Buffer.from(String(call.metadata.get(call.request.toString())[0] ?? '')));
    },
    /** As many octets as the request says. */
    Give(call, done) {
      done(null, Buffer.alloc(Number(call.request.toString()), 'give'));
    },
  };
  const definitions = Object.keys(methods).map((name) => [name, definition(`/test.Service/${name}`)]);
  server.addService(Object.fromEntries(definitions), methods);
  const credentials = options.credentials ?? ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${options.port ?? 0}`, credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const stop = afterwards({ stop: () => server.forceShutdown(), stopNow: () => server.forceShutdown() });
  return {
    address: `127.0.0.1:${port}`,
    port,
    cancelled: () => cancelled,
    release() {
      for (const answer of held.splice(0).reverse()) answer();
    },
    stop,
  };
}
