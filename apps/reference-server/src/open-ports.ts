import type { ReferenceServerFlags } from './flags.js';
import { flaskHandler } from './flask/flask-http.js';
import { FlaskService } from './flask/flask-service.js';
import { GrpcPort } from './grpc/grpc-port.js';
import { HttpPort } from './http/http-port.js';
import type { InferenceEngine } from './inference/inference-engine.js';
import type { LoadOptions } from './inference/inference-model.js';
import type { TlsIdentity } from './net/tls-files.js';
import { productName } from './product-name.js';
import type { Protocol } from './protocols.js';
import { RespServer } from './resp/resp-server.js';
import { restHandler } from './tfserving/tfserving-rest.js';
import { TfServingService } from './tfserving/tfserving-service.js';
import { torchServeHandlers } from './torchserve/torchserve-grpc.js';
import { TorchServeHttp } from './torchserve/torchserve-http.js';
import { TorchServeMetrics } from './torchserve/torchserve-metrics.js';
import { TorchServeService } from './torchserve/torchserve-service.js';
import { tritonHandlers } from './triton/triton-grpc.js';
import { TritonHttp } from './triton/triton-http.js';
import { TritonMetrics } from './triton/triton-metrics.js';
import { TritonService } from './triton/triton-service.js';

/** The ports by the names under which their addresses are told. */
export type AddressName =
  | 'redis'
  | 'tfserving'
  | 'tfservingRest'
  | 'triton'
  | 'tritonHttp'
  | 'tritonMetrics'
  | 'torchserve'
  | 'torchserveManagement'
  | 'torchserveMetrics'
  | 'torchserveGrpc'
  | 'flask';

/** What the ports have in common. */
export interface PortSettings {
  readonly flags: ReferenceServerFlags;
  /** Version of this package. */
  readonly version: string;
  readonly engine: InferenceEngine;
  readonly load: LoadOptions;
  /** Undefined for unencrypted ports. */
  readonly tls: TlsIdentity | undefined;
  /** Switches set on the command line that change answers. */
  readonly faults: Readonly<Record<string, string | number>>;
}

/** Ports that listen. */
export interface OpenPorts {
  /** `host:port` of each. */
  readonly addresses: Readonly<Partial<Record<AddressName, string>>>;
  close(): Promise<void>;
}

/** A port that listens. */
interface OpenPort {
  readonly port: number;
  close(): Promise<void>;
}

type Opener = (settings: PortSettings) => AsyncIterable<readonly [AddressName, OpenPort]>;

const openers: Readonly<Record<Protocol, Opener>> = {
  redis: openRedis,
  tfserving: openTfServing,
  triton: openTriton,
  torchserve: openTorchServe,
  flask: openFlask,
};

/**
 * Opens the ports of some protocols.
 *
 * @throws AIBENCH_CONNECTION when one cannot be had; the others are closed again
 */
export async function openPorts(
  protocols: ReadonlySet<Protocol>,
  settings: PortSettings,
): Promise<OpenPorts> {
  const { flags } = settings;
  const host = flags.host.includes(':') ? `[${flags.host}]` : flags.host;
  const opened: OpenPort[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((port) => port.close()));
  };
  const addresses: Partial<Record<AddressName, string>> = {};
  try {
    for (const protocol of protocols) {
      for await (const [name, port] of openers[protocol](settings)) {
        opened.push(port);
        addresses[name] = `${host}:${port.port}`;
      }
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { addresses, close };
}

async function* openRedis(settings: PortSettings): AsyncGenerator<readonly [AddressName, OpenPort]> {
  const { flags, engine, load, version, tls, faults } = settings;
  const server = await RespServer.listen({
    ...{ engine, load, version, tls, faults },
    redisAiVersion: flags.redisaiVersion,
    password: flags.password,
    host: flags.host,
    port: flags.redisPort,
  });
  yield ['redis', { port: server.service.port, close: () => server.close() }];
}

async function* openTfServing(settings: PortSettings): AsyncGenerator<readonly [AddressName, OpenPort]> {
  const { flags, engine, load, tls } = settings;
  const { host, maxMessageBytes } = flags;
  const service = new TfServingService({ engine, load, modelsFolder: flags.tfservingModels });
  await service.models.scanAll();
  const server = serverHeader(settings);
  yield [
    'tfserving',
    await GrpcPort.listen({
      ...{ host, tls, server, maxMessageBytes, port: flags.tfservingPort, flag: 'tfserving-port' },
      handlers: service.handlers(),
    }),
  ];
  // Without TLS, as the real one's.
  yield [
    'tfservingRest',
    await HttpPort.listen({
      ...{ host, server, tls: undefined, port: flags.tfservingRestPort, flag: 'tfserving-rest-port' },
      handler: restHandler(service),
    }),
  ];
}

async function* openTriton(settings: PortSettings): AsyncGenerator<readonly [AddressName, OpenPort]> {
  const { flags, engine, load, tls, version } = settings;
  const { host, maxMessageBytes } = flags;
  const service = new TritonService({
    ...{ engine, load, version, folder: flags.modelRepository },
    isExplicit: flags.tritonModelControl === 'explicit',
  });
  await service.repository.start();
  const server = serverHeader(settings);
  yield [
    'triton',
    await GrpcPort.listen({
      ...{ host, tls, server, maxMessageBytes, port: flags.tritonGrpcPort, flag: 'triton-grpc-port' },
      handlers: tritonHandlers(service),
    }),
  ];
  yield [
    'tritonHttp',
    await HttpPort.listen({
      ...{ host, tls, server, port: flags.tritonHttpPort, flag: 'triton-http-port' },
      handler: new TritonHttp(service, maxMessageBytes).handler(),
    }),
  ];
  // Without TLS, as the real one's.
  yield [
    'tritonMetrics',
    await HttpPort.listen({
      ...{ host, server, tls: undefined, port: flags.tritonMetricsPort, flag: 'triton-metrics-port' },
      handler: new TritonMetrics(service).handler(),
    }),
  ];
}

async function* openTorchServe(settings: PortSettings): AsyncGenerator<readonly [AddressName, OpenPort]> {
  const { flags, engine, load, tls } = settings;
  const { host, maxMessageBytes } = flags;
  const server = serverHeader(settings);
  const service = new TorchServeService({
    ...{ engine, load, engineName: server, store: flags.modelStore },
    startupModels: flags.torchserveModels,
  });
  await service.start();
  const metrics = new TorchServeMetrics(service);
  const http = new TorchServeHttp(service, metrics, maxMessageBytes);
  yield [
    'torchserve',
    await HttpPort.listen({
      ...{ host, tls, server, port: flags.torchservePort, flag: 'torchserve-port' },
      handler: http.inference(),
    }),
  ];
  yield [
    'torchserveManagement',
    await HttpPort.listen({
      ...{ host, tls, server, port: flags.torchserveManagementPort, flag: 'torchserve-management-port' },
      handler: http.management(),
    }),
  ];
  // Without TLS, as the others'.
  yield [
    'torchserveMetrics',
    await HttpPort.listen({
      ...{ host, server, tls: undefined, port: flags.torchserveMetricsPort, flag: 'torchserve-metrics-port' },
      handler: http.metrics(),
    }),
  ];
  yield [
    'torchserveGrpc',
    await GrpcPort.listen({
      ...{ host, tls, server, maxMessageBytes, port: flags.torchserveGrpcPort, flag: 'torchserve-grpc-port' },
      handlers: torchServeHandlers(service),
    }),
  ];
}

async function* openFlask(settings: PortSettings): AsyncGenerator<readonly [AddressName, OpenPort]> {
  const { flags, tls, engine, load, version } = settings;
  const { host, maxMessageBytes } = flags;
  const service = new FlaskService({ engine, load, version, folder: flags.flaskModels });
  await service.models.all();
  const server = serverHeader(settings);
  yield [
    'flask',
    await HttpPort.listen({
      ...{ host, tls, server, port: flags.flaskPort, flag: 'flask-port' },
      handler: flaskHandler(service, maxMessageBytes),
    }),
  ];
}

function serverHeader({ version }: PortSettings): string {
  return `${productName}/${version}`;
}
