/** Asking again at a pod that has seen less than the person; the rest is tested on real parts (`commands.infra.test.ts`). */
import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { DEFAULT_RULE_SETTINGS, NO_OFFSETS } from '@osago/quotes';
import type { RequestCommands } from './request-commands.ts';
import { answerProblem, HttpProblem } from './problem.ts';
import { retryQuote } from './retry-quote.ts';
import { BEHIND_WAIT_MS } from './resume.ts';
import { INSURERS, startTestApi } from './testing-api.ts';
import { Cleanup, leg, type LegSketch, PARTITION, REQUEST_ID, submitted, timestamp, until } from './testing-events.ts';
import { type Exchange, fetchAll, listen, closeServer } from './testing-http.ts';

const cleanup = new Cleanup();
afterEach(() => cleanup.run());

const asked = submitted({ alpha: 60_000 });

/** The command is where the route ends here: what it asked for is noted. */
const setup = async () => {
  const { access, bodies, clock, log, reader, showcase } = await startTestApi(cleanup);
  showcase.apply(asked, PARTITION, 0);
  const told = (status: Parameters<typeof leg>[1], sketch: LegSketch = {}): void => showcase.apply(leg('alpha', status, sketch), PARTITION, 1);
  told('submitted');
  const reached: number[] = [];
  const commands = {
    openApplication: (): Promise<never> => {
      reached.push(clock.nowMs());
      return Promise.reject(new HttpProblem(404, 'as far as this'));
    },
  } as unknown as RequestCommands;
  const relay = { wake: () => undefined };
  const route = retryQuote({ access, bodies, clock, commands, insurers: INSURERS, log, reader, relay, rules: DEFAULT_RULE_SETTINGS, showcase });
  const server = createServer((request, response) => {
    const { attempt } = JSON.parse(String(request.headers['x-body'])) as { attempt: number };
    route([REQUEST_ID, 'alpha'], { attempt }, request, response).catch((error: unknown) => answerProblem(response, error as HttpProblem));
  });
  const origin = await listen(server);
  cleanup.add(() => closeServer(server));
  const retry = (attempt: number): Promise<Exchange> => fetchAll(origin, { headers: { 'x-body': JSON.stringify({ attempt }) } });
  const isWaiting = (): Promise<void> => until(() => reader.reads > 0);
  return { clock, isWaiting, reached, reader, retry, showcase, told };
};

describe('asking again at a pod that is behind', () => {
  test('waits until the pod has seen the quote end, as the person has', async () => {
    const { isWaiting, reached, retry, told } = await setup();
    const answer = retry(1);
    await isWaiting();
    expect(reached).toEqual([]);
    told('needs_data', { step: 2 });
    expect((await answer).json()).toMatchObject({ detail: 'as far as this' });
    expect(reached).toHaveLength(1);
  });

  test('is refused when the quote has not ended after two seconds', async () => {
    const { clock, isWaiting, reached, retry, told } = await setup();
    const answer = retry(1);
    await isWaiting();
    clock.advance(BEHIND_WAIT_MS);
    told('submitted', { step: 2 });
    expect((await answer).json()).toMatchObject({ status: 409, detail: 'its quote is submitted' });
    expect(reached).toEqual([]);
  });

  test('goes by the archive when the feed does not bring it in two seconds', async () => {
    const { clock, isWaiting, reached, reader, retry, told } = await setup();
    const answer = retry(1);
    await isWaiting();
    reader.afterRead = () => told('needs_data', { step: 3 });
    clock.advance(BEHIND_WAIT_MS);
    told('submitted', { step: 2 });
    expect((await answer).json()).toMatchObject({ detail: 'as far as this' });
    expect(reached).toHaveLength(1);
  });

  test('of an attempt that this pod has not heard of finds it in Postgres', async () => {
    const { reached, reader, retry, showcase } = await setup();
    const retryAsked = {
      ...asked,
      id: `${REQUEST_ID}:r2`,
      type: 'osago.leg.retry-asked.v1' as const,
      data: { request_id: REQUEST_ID, revision: 2, insurer_id: 'alpha', attempt: 2, deadline_at: timestamp(30_000), tariff: asked.data.tariff, application_sealed: '' },
    };
    const answer = retry(2);
    await until(() => reader.reads > 1);
    expect((await answer).json()).toMatchObject({ status: 409, detail: 'attempt 2 was never asked' });
    reader.afterRead = () => showcase.load([asked, retryAsked, leg('alpha', 'error', { attempt: 2, members: { retryable: true } })], PARTITION, NO_OFFSETS);
    expect((await retry(2)).json()).toMatchObject({ detail: 'as far as this' });
    expect(reached).toHaveLength(1);
  });

  test('waits for nobody when the quote has ended, and cannot be asked again', async () => {
    const { retry, told } = await setup();
    told('quoted', { step: 2 });
    expect((await retry(1)).json()).toMatchObject({ status: 409, detail: 'its quote is quoted' });
  });
});
