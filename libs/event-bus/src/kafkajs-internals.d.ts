/** The files of kafkajs that have no types and are not part of its door: kafkajs-mends.ts says why they are opened. */
declare module 'kafkajs/src/broker/index.js' {
  const broker: unknown;
  export default broker;
}
declare module 'kafkajs/src/cluster/brokerPool.js' {
  const brokerPool: unknown;
  export default brokerPool;
}
declare module 'kafkajs/src/network/requestQueue/index.js' {
  const requestQueue: unknown;
  export default requestQueue;
}
declare module 'kafkajs/src/consumer/consumerGroup.js' {
  const consumerGroup: unknown;
  export default consumerGroup;
}
