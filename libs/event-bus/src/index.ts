export * from './create-event-bus.ts';
export * from './dead-letters.ts';
export * from './event-bus.ts';
export * from './kafkajs-event-bus.ts';
export * from './kafkajs-log-reader.ts';
export * from './log-reader.ts';
export * from './memory-event-bus.ts';
export * from './partition.ts';
