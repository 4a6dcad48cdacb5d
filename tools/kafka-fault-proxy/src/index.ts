export { RuleError, type PartitionName, type Rule, type RuleHandle, type Target } from './rules.ts';
export type { ApiName } from './apis.ts';
export type { ErrorName } from './error-codes.ts';
export { startControl, type Control } from './control.ts';
export { startFaultProxy, type FaultProxy, type FaultProxyOptions } from './fault-proxy.ts';
export type { SeenPartition, SeenRequest } from './seen.ts';
