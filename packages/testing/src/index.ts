export { afterwards, type Cleanup } from './afterwards.js';
export {
  type BinaryOptions,
  type BinaryResult,
  binaryPath,
  type RunningBinary,
  runBinary,
  startBinary,
} from './binary.js';
export { cacheFolder } from './cache-folder.js';
export { describeWithServer, haveCommand } from './describe-with-server.js';
export { type FlaskOptions, type FlaskServer, startFlask } from './flask-server.js';
export { freePorts } from './free-port.js';
export { describeWithGo, goProgram } from './go-program.js';
export { type GuardedOptions, type GuardedProcess, startGuarded } from './guarded-process.js';
export {
  describeWithPython,
  type PythonServer,
  type PythonServerOptions,
  pythonEnvironment,
  runPython,
  startPython,
} from './python.js';
export { type RedisCluster, startRedisCluster } from './redis-cluster.js';
export { type RedisServer, redisCli, startRedis } from './redis-server.js';
export { type ReferenceServer, type ReferenceServerPort, startReferenceServer } from './reference-server.js';
export { repositoryRoot } from './repository-root.js';
export {
  answeredWindows,
  loadReferences,
  makeDataFile,
  makeImageFile,
  type ResultFile,
  type RunOutcome,
  readResult,
  runWithResult,
  succeed,
} from './suite-run.js';
export { startTcpPeer, type TcpPeer } from './tcp-peer.js';
export { temporaryFolder } from './temporary-folder.js';
export {
  startTensorFlowServer,
  type TensorFlowServer,
  type TensorFlowServerOptions,
} from './tensorflow-server.js';
export { makeTlsCertificate, type TlsCertificate } from './tls-certificate.js';
export { startTorchServe, type TorchServe, type TorchServeOptions } from './torchserve.js';
export { startTritonServer, type TritonOptions, type TritonServer } from './triton-server.js';
