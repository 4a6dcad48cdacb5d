/** What every adapter of the bus must do. Each test has topics and groups of its own; none depends on time passing. */
import { afterAll, afterEach, beforeAll, describe } from '@jest/globals';
import { describeNewLog } from './new-log-suite.ts';
import { describeOutage } from './outage-suite.ts';
import { describePublishing } from './publish-suite.ts';
import { describeSubscription } from './subscription-suite.ts';
import { type BusUnderTest, SuiteSetting, TEST_MS } from './suite-setting.ts';
import { describeTail } from './tail-suite.ts';

/** `outages`: the bus under test has a broker that can be sent away. */
export const describeEventBus = (
  name: string,
  start: () => Promise<BusUnderTest>,
  { outages }: { outages: boolean },
): void => {
  describe(`event bus (${name})`, () => {
    const setting = new SuiteSetting();

    beforeAll(async () => setting.use(await start()), TEST_MS);
    afterEach(() => setting.stopAll(), TEST_MS);
    afterAll(() => setting.close(), TEST_MS);

    describePublishing(setting);
    describeSubscription(setting);
    describeTail(setting);
    describeNewLog(setting);
    if (outages) describeOutage(setting);
  });
};
