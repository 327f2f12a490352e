export {
  type DataManifest,
  type ExpectedManifest,
  expectedPath,
  manifestPath,
  manifestVersion,
  readManifest,
  renderManifest,
  useCaseOfData,
} from './data-manifest.js';
export { defaultUseCaseName, loadUseCase, useCaseNames } from './registry.js';
export { type RequestTensors, requestTensors } from './request-tensors.js';
export { defaultThreads } from './row-pool.js';
export { type ExpectedFile, openExpected } from './stored-answers.js';
export type {
  InferenceRequest,
  InferenceTask,
  InputSpec,
  OptionValues,
  ReferenceSpec,
  RowSource,
  SourceOptions,
  SourceProgress,
  StoredAnswers,
  TaskOptions,
  UseCase,
  UseCaseOption,
} from './use-case.js';
