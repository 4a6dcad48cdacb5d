export * from './clock.ts';
export * from './config.ts';
export * from './config-members.ts';
export * from './log.ts';
export * from './metrics.ts';
export * from './private-server.ts';
export * from './sealing.ts';
export * from './service.ts';
