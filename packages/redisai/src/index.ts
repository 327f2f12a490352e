export { describeRedisAi, type RedisAiDescription } from './describe-redis-ai.js';
export {
  dagCommand,
  type InferenceCommandOptions,
  ownKeys,
  rowKeys,
  type SeparateCommandOptions,
  type SeparateCommands,
  separateCommands,
  type TensorKeys,
  type TensorTask,
} from './inference-commands.js';
export { type AnswerContext, inferenceError, readAnswer } from './read-answer.js';
export { type ServerList, serverAddresses } from './server-addresses.js';
export { isClusterNode, openShards, type Shard, type ShardOptions, type Shards } from './shards.js';
export { describeModel, replyFields, type StoredModel } from './stored-model.js';
