export {
  defaultValues,
  type Flag,
  type FlagKind,
  type FlagSet,
  type FlagValues,
  flag,
  valueKey,
} from './flags.js';
export { type CommandText, helpText } from './help.js';
export { type OutputFile, openOutputFile, writeStdout } from './output.js';
export { nearestName, type ParsedCommand, parseFlags } from './parse-flags.js';
export { startCpuProfile, startHeapProfile } from './profile.js';
export { createProgress, type Progress, type ProgressOptions } from './progress.js';
export { type Command, type CommandContext, packageVersion, runCli } from './run-cli.js';
