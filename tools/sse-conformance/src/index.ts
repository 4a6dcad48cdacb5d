export type { Adapter, AdapterExport, Facts, Target, Versions } from './adapter.ts';
export type { Check, Finding, Outcome } from './check.ts';
export { CHECKS } from './checks/all.ts';
export { type Context, DEFAULT_LIMITS, type Limits } from './context.ts';
export { openRaw, type RawStream } from './raw-stream.ts';
export { asJson, HEADING, resultLines, summary } from './report.ts';
export { type SseEvent, SseParser } from './sse-parser.ts';
export { type CheckResult, isConformant, runSuite, type SuiteOptions } from './suite.ts';
