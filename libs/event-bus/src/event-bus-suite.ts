/** What every adapter of the bus must do. Each test has topics and groups of its own; none depends on time passing. */
import { afterAll, afterEach, beforeAll, describe } from '@jest/globals';
import { describePublishing } from './publish-suite.ts';
import { describeSubscription } from './subscription-suite.ts';
import { type BusUnderTest, SuiteSetting, TEST_MS } from './suite-setting.ts';
import { describeTail } from './tail-suite.ts';

export const describeEventBus = (name: string, start: () => Promise<BusUnderTest>): void => {
  describe(`event bus (${name})`, () => {
    const setting = new SuiteSetting();

    beforeAll(async () => setting.use(await start()), TEST_MS);
    afterEach(() => setting.stopAll(), TEST_MS);
    afterAll(() => setting.close(), TEST_MS);

    describePublishing(setting);
    describeSubscription(setting);
    describeTail(setting);
  });
};
