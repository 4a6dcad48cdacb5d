/** The suite against a real broker, and what only a real broker can show, on kafkajs. Its address: KAFKA_BROKERS. */
import { describeOnBroker } from './broker-suite.ts';

describeOnBroker('kafkajs', process.env['KAFKA_BROKERS']);
