/** The reader of bench:outbox, a process of its own: when each record became visible to it, by the machine's clock. */
import { createKafkajsEventBus } from '@osago/event-bus';
import { createLog } from '@osago/service-kit';

const [, , brokers = '', topic = ''] = process.argv;
const bus = createKafkajsEventBus({ log: createLog('bench', 'error') }, { brokers: [brokers], clientId: 'bench-consumer' });
let seen: [key: string, atNs: string][] = [];
const tail = bus.tail({ topics: [topic], fromMs: 0, groupPrefix: 'bench' }, ({ key, value }) => {
  JSON.parse(String(value));
  seen.push([key, String(process.hrtime.bigint())]);
});
const stop = new AbortController();
const running = tail.run(stop.signal);
await tail.caughtUp;
process.send?.('ready');
process.on('message', (asked) => {
  if (asked === 'seen') {
    process.send?.({ seen, cpuUs: process.cpuUsage().user + process.cpuUsage().system });
    seen = [];
  } else {
    stop.abort();
    void running.then(() => bus.close()).then(() => process.disconnect());
  }
});
