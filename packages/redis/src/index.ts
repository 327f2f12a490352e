export type { BulkTotals, RefusedCommand } from './bulk-ledger.js';
export {
  BulkWriter,
  type BulkWriterOptions,
  openBulkWriter,
} from './bulk-writer.js';
export { CommandTemplate, commandTemplate, type TemplatePart } from './command-template.js';
export { type AiCommandFamily, describeRedis, parseInfo, type RedisDescription } from './describe-redis.js';
export { EncodedCommand } from './encoded-command.js';
export { hashSlot } from './hash-slot.js';
export {
  formatRedisAddress,
  parseRedisAddress,
  parseRedisAddresses,
  type RedisAddress,
  type RedisAddressOptions,
  type RedisTls,
} from './redis-address.js';
export { redisAiDtype } from './redis-ai-dtype.js';
export { type RedisClient, type RedisReply, replyText } from './redis-client.js';
export { connectRedisCluster, RedisClusterClient } from './redis-cluster-client.js';
export { answerText, type ConnectOptions, connectRedis, RedisConnection } from './redis-connection.js';
export {
  connectReferenceReader,
  isRedisCluster,
  ReferenceReader,
  type ReferenceReaderOptions,
  type StoredReference,
} from './reference-reader.js';
export { ReplyError, ReplyScanner, ReplySyntaxError, type ScannedReply } from './reply-scanner.js';
export { openRequestConnection, RequestConnection } from './request-connection.js';
export { encodeCommand } from './resp-encode.js';
