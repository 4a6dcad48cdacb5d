/** The whole suite of the bus, both clients, through the proxy: one broker looks like three, and goes away on demand. */
import { EVENT_BUS_CLIENTS } from '@osago/event-bus';
import { describePortOnBroker, type Way } from '@osago/event-bus/suite';
import { realBroker } from './broker-setup.ts';
import { startFaultProxy } from './index.ts';

const open = async (): Promise<Way> => {
  const proxy = await startFaultProxy({ upstream: realBroker(), nodes: 3 });
  return {
    brokers: proxy.brokers,
    setAway: (away) => {
      if (away) proxy.inject({ connections: 'refused' });
      else for (const rule of proxy.rules()) rule.lift();
    },
    close: () => proxy.close(),
  };
};

for (const client of EVENT_BUS_CLIENTS) describePortOnBroker(client, open, { outages: true });
