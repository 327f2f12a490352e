export { defaultUseCaseName, loadUseCase, useCaseNames } from './registry.js';
export { defaultThreads } from './row-pool.js';
export type {
  InferenceRequest,
  InferenceTask,
  InputSpec,
  ReferenceSpec,
  RowSource,
  SourceOptions,
  SourceProgress,
  TaskOptions,
  UseCase,
} from './use-case.js';
