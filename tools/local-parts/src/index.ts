export { type Child, Children, type ChildSpec, type Ended } from './child.ts';
export { type KafkaPart, startKafka } from './kafka.ts';
export { type LocalPart, type PartOptions, type Step } from './part.ts';
export { PartError } from './part-error.ts';
export { type OwnPart, type Parts, type PartsOptions, startParts } from './parts.ts';
export { accepts, freePort, isPortFree } from './ports.ts';
export { type PostgresPart, startPostgres } from './postgres.ts';
export { untilReady } from './readiness.ts';
export { type RedisPart, startRedis } from './redis.ts';
