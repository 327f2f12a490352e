import { join } from 'node:path';
import { startPython } from './python.js';
import { repositoryRoot } from './repository-root.js';

/** A server of TensorFlow Serving's protocol by the official stubs and real TensorFlow, on loopback. */
export interface TensorFlowServer {
  /** `127.0.0.1:<port>`. */
  readonly grpc: string;
  /** `127.0.0.1:<port>`; Prometheus metrics are at `/monitoring/prometheus/metrics`. */
  readonly rest: string;
  /** Kills it at once, as a crash would; happens after the test too. */
  stop(): Promise<void>;
}

/** How {@link startTensorFlowServer} starts the server. */
export interface TensorFlowServerOptions {
  /** The `python` of the environment `tensorflow`, see `describeWithPython`. */
  readonly python: string;
  /** A ModelServerConfig in text form, which names the models and their folders. */
  readonly configFile: string;
  /** A stopped server whose ports this one takes over. Default: free ones. */
  readonly insteadOf?: TensorFlowServer;
}

/**
 * Starts the server that stands in for tensorflow_model_server, whose binary no package registry has, and waits until
 * its models are loaded.
 */
export async function startTensorFlowServer(options: TensorFlowServerOptions): Promise<TensorFlowServer> {
  const { python, configFile, insteadOf } = options;
  const portOf = (address: string) => address.split(':')[1] ?? '';
  const ports =
    insteadOf === undefined
      ? []
      : ['--port', portOf(insteadOf.grpc), '--rest_api_port', portOf(insteadOf.rest)];
  const script = join(repositoryRoot, 'packages', 'testing', 'python', 'tensorflow-server.py');
  const server = await startPython(python, script, ['--model_config_file', configFile, ...ports]);
  const { grpc, rest } = JSON.parse(server.ready) as Pick<TensorFlowServer, 'grpc' | 'rest'>;
  return { grpc, rest, stop: () => server.kill() };
}
