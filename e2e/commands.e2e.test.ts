/** What changes a request after it was sent, and what operators change, on two pods of each app: by page, API and command. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { APPLICATIONS, fillForm } from './application-kinds.ts';
import { launchBrowser } from './browser.ts';
import { INSURERS, InsurersThatRemember, WANTED_FIELD } from './insurers-that-remember.ts';
import { npmRun as npmRunOn } from './npm-run.ts';
import { newDir, ROOT, type RunningPlatform, startPlatform, until } from './platform.ts';
import { readTopic } from './read-topic.ts';

const APPLICATION = readFileSync(join(ROOT, 'docs/examples/application.json'), 'utf8');
/** A simulated insurer that quotes every common car: operators and faults are tried on it. */
const SIMULATED = 'alfa';
/** What takes seconds where nothing else runs. */
const SOON_MS = 60_000;
/** A second or two, on a machine that does other things too. */
const STOPPED_MS = 8_000;
const BODY_NUMBER = 'XTA210930Y2712345';

interface Quote {
  insurer_id: string;
  status: string;
  final: boolean;
  attempt: number;
  reason?: { code: string };
  expired?: true;
  valid_until?: string;
  premium_kopecks?: number;
  total_kopecks?: number;
  estimated_premium_kopecks?: number;
  pool?: boolean;
  prolongation?: boolean;
  prolongation_from_other?: boolean;
}

interface Posted {
  request_id: string;
  access_token: string;
  duplicate?: true;
}

interface Call {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

interface Answer<T> {
  status: number;
  body: T;
  headers: Headers;
}

let platform: RunningPlatform;
let browser: Browser;
const insurers = new InsurersThatRemember();
/** Of what has been started, although the next thing may not have come; the last first. */
const stops: (() => Promise<void>)[] = [];

/** Pods in turn: what one of them was told, the other one must know. */
let calls = 0;
const call = async <T>(path: string, { body, headers, method = 'GET' }: Call = {}): Promise<Answer<T>> => {
  const { core_app } = platform.state();
  calls += 1;
  const response = await fetch(`${core_app[calls % core_app.length]!.url}/api/osago${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as T, headers: response.headers };
};

const bearer = ({ access_token }: Posted): Record<string, string> => ({ authorization: `Bearer ${access_token}` });

const post = async (body: unknown = APPLICATION, headers: Record<string, string> = {}): Promise<Posted> => {
  const answer = await call<Posted>('/requests', { method: 'POST', body, headers });
  expect(answer.status).toBe(201);
  return answer.body;
};

const cancel = (posted: Posted) =>
  call<{ revision: number }>(`/requests/${posted.request_id}`, { method: 'DELETE', headers: bearer(posted) });

const retry = (posted: Posted, insurer: string, body: object) =>
  call<{ attempt: number; errors?: { pointer: string }[] }>(`/requests/${posted.request_id}/quotes/${insurer}/retry`, {
    method: 'POST',
    body,
    headers: bearer(posted),
  });

const quoteOf = async (posted: Posted, insurer: string): Promise<Quote | undefined> => {
  const { body } = await call<{ quotes: Quote[] }>(`/requests/${posted.request_id}/quotes`, { headers: bearer(posted) });
  return body.quotes.find(({ insurer_id }) => insurer_id === insurer);
};

/** On every pod: the next call may go to any of them. */
const comesTo = (posted: Posted, insurer: string, status: string): Promise<Quote> =>
  until(
    `${insurer} comes to ${status}`,
    async () => {
      const quotes = await Promise.all(platform.state().core_app.map(() => quoteOf(posted, insurer)));
      return quotes.every((quote) => quote?.status === status) ? quotes[0] : undefined;
    },
    SOON_MS,
  );

/** How the simulated insurer ends for a new request, which is called off then: another one of its panel never ends. */
const outcomeOfNew = async (): Promise<Quote> => {
  const posted = await post();
  const isOver = async (): Promise<Quote | undefined> => {
    const quote = await quoteOf(posted, SIMULATED);
    return quote?.final ? quote : undefined;
  };
  const quote = await until('a new request has its outcome', isOver, SOON_MS);
  await cancel(posted);
  return quote;
};

const stateOfSimulated = async (): Promise<string | undefined> => {
  const { body } = await call<{ insurers: { insurer_id: string; state: string }[] }>('/insurers');
  return body.insurers.find(({ insurer_id }) => insurer_id === SIMULATED)?.state;
};

const stateBecomes = (state: string): Promise<true> =>
  until(`the insurer is ${state}`, async () => ((await stateOfSimulated()) === state ? true : undefined), SOON_MS);

/** A command as an operator types it; resolves to what it prints, rejects unless it ends well. */
const npmRun = (...args: string[]): Promise<string> => npmRunOn(platform, args);

const setFaults = async (faults: object[]): Promise<void> => {
  const url = `${platform.state().insurers_url}/admin/faults/${SIMULATED}`;
  const answer = await fetch(url, faults.length > 0 ? { method: 'PUT', body: JSON.stringify(faults) } : { method: 'DELETE' });
  expect(answer.ok).toBe(true);
};

const card = (page: Page, insurer: string) => page.locator(`[data-testid="card"][data-insurer="${insurer}"]`);
const cardComesTo = (page: Page, insurer: string, status: string): Promise<void> =>
  page
    .locator(`[data-testid="card"][data-insurer="${insurer}"][data-status="${status}"]`)
    .waitFor({ timeout: SOON_MS });

/** From the form to its quotes; resolves to the request's id. */
const sendSample = async (page: Page): Promise<string> => {
  await page.goto(platform.state().url);
  await page.getByTestId('submit').click();
  await page.waitForURL('**/requests/*');
  return new URL(page.url()).pathname.slice('/requests/'.length);
};

/** With the token that the page itself has in its cookie. */
const sentBy = async (page: Page): Promise<Posted> => {
  const answer = await page.context().request.get(`${platform.state().url}/api/osago/requests?limit=1`);
  return ((await answer.json()) as { requests: Posted[] }).requests[0]!;
};

beforeAll(async () => {
  stops.unshift(() => insurers.close());
  const file = join(newDir(), 'insurers.yaml');
  const simulated = `- insurer_id: ${SIMULATED}\n  name: Альфа-Полис\n  base_url: \${INSURERS_URL}/${SIMULATED}\n`;
  writeFileSync(file, (await insurers.listen()) + simulated);
  browser = await launchBrowser();
  stops.unshift(() => browser.close());
  platform = await startPlatform(['--port', '0', '--pods', '2', '--speed', '5'], { env: { INSURERS_FILE: file } });
  stops.unshift(() => platform.stop());
}, 300_000);

afterAll(async () => {
  for (const stop of stops) await stop();
}, 60_000);

describe('a person in a browser', () => {
  test('gives one insurer what it wants, asks others again, and calls off what is left', async () => {
    const page = await browser.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    const requestId = await sendSample(page);
    const keysOf = (insurer: keyof typeof INSURERS): string[] => insurers.keysOf(requestId, insurer);
    const sent = await sentBy(page);
    expect(sent.request_id).toBe(requestId);
    const both = (insurer: string): string[] => [`${requestId}:${insurer}`, `${requestId}:${insurer}:2`];

    await cardComesTo(page, 'wants', 'needs_data');
    await comesTo(sent, 'wants', 'needs_data');
    // What it wants is left empty: it would only want it again, so nobody is asked.
    await card(page, 'wants').getByTestId('retry').click();
    await card(page, 'wants').getByTestId('fault').waitFor();
    await card(page, 'wants').locator(`[name="${WANTED_FIELD}"]:focus`).fill(BODY_NUMBER);
    expect(keysOf('wants')).toEqual([`${requestId}:wants`]);
    await card(page, 'wants').getByTestId('retry').click();
    await cardComesTo(page, 'wants', 'quoted');
    expect(keysOf('wants')).toEqual(both('wants'));
    expect(insurers.applicationOf(`${requestId}:wants:2`)?.vehicle.body_number).toBe(BODY_NUMBER);

    for (const [insurer, status] of [['fails', 'error'], ['silent', 'timeout']] as const) {
      await cardComesTo(page, insurer, status);
      await comesTo(sent, insurer, status);
      await card(page, insurer).getByTestId('retry').click();
      await cardComesTo(page, insurer, 'quoted');
      expect(keysOf(insurer)).toEqual(both(insurer));
    }
    for (const insurer of ['prompt', 'estimates', 'brief', 'declines', 'patient'] as const) {
      expect(keysOf(insurer)).toEqual([`${requestId}:${insurer}`]);
    }
    await card(page, 'estimates').getByTestId('price-changed').waitFor();
    const changed = await comesTo(sent, 'estimates', 'quoted');
    expect(changed).toMatchObject({ estimated_premium_kopecks: 700_000, premium_kopecks: 731_025 });
    await card(page, 'brief').getByTestId('expired').waitFor({ timeout: SOON_MS });
    // What does not hold any more is no bargain, however low it was.
    expect(await card(page, 'brief').getAttribute('data-cheapest')).toBe('false');
    expect(await page.getByTestId('cheapest').count()).toBe(1);

    await page.getByTestId('cancel').click();
    const cancelledAtMs = Date.now();
    await cardComesTo(page, 'patient', 'cancelled');
    await page.reload();
    await cardComesTo(page, 'patient', 'cancelled');
    expect(await page.getByTestId('request-status').getAttribute('data-status')).toBe('cancelled');
    for (const insurer of ['wants', 'fails', 'silent', 'prompt']) await cardComesTo(page, insurer, 'quoted');
    // Who did not see the estimate is told of it all the same; what has expired looks so everywhere.
    expect(await card(page, 'estimates').getByTestId('price-changed').getAttribute('data-was-kopecks')).toBe('700000');
    await card(page, 'brief').getByTestId('expired').waitFor();
    expect(await comesTo(sent, 'brief', 'quoted')).toMatchObject({ expired: true });
    expect(await comesTo(sent, 'prompt', 'quoted')).not.toHaveProperty('expired');
    expect(faults).toEqual([]);
    await page.close();

    // Another one goes on being polled for longer than the first one may be.
    const other = await post();
    const isPolledOn = (): true | undefined =>
      insurers.pollsAtMs(`${other.request_id}:patient`).some((atMs) => atMs > cancelledAtMs + 2 * STOPPED_MS) ? true : undefined;
    await until('the other one is polled on', isPolledOn, SOON_MS);
    expect(insurers.pollsAtMs(`${requestId}:patient`).at(-1)! - cancelledAtMs).toBeLessThan(STOPPED_MS);
    expect((await cancel(other)).status).toBe(202);
  }, 240_000);

  test('who goes back and sends the same again is shown the request in progress, and a new one after it is over', async () => {
    const page = await browser.newPage();
    const first = await sendSample(page);
    const sendAgain = async (): Promise<string> => {
      await page.goBack();
      await page.getByTestId('submit').click();
      await page.waitForURL('**/requests/*');
      return new URL(page.url()).pathname.slice('/requests/'.length);
    };
    expect(await sendAgain()).toBe(first);
    await page.getByTestId('duplicate').waitFor();
    await page.getByTestId('cancel').click();
    await cardComesTo(page, 'patient', 'cancelled');
    expect(await page.getByTestId('duplicate').count()).toBe(0);
    const second = await sendAgain();
    expect(second).not.toBe(first);
    await cardComesTo(page, 'prompt', 'quoted');
    expect(await page.getByTestId('duplicate').count()).toBe(0);
    expect((await cancel(await sentBy(page))).status).toBe(202);
    await page.close();
  }, 120_000);

  test('asks everybody again with a change, and finds both in the history, also when their own cookies are over', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const first = await sendSample(page);
    await cardComesTo(page, 'prompt', 'quoted');
    await page.getByTestId('cancel').click();
    await page.getByTestId('repeat').click();
    const form = page.getByTestId('repeat-form');
    await form.locator('[name="/owner/address/region"]').fill('not one');
    await form.getByTestId('repeat-send').click();
    await form.getByTestId('fault').waitFor({ timeout: SOON_MS });
    await form.locator('[name="/owner/address/region"]').fill('77');
    await form.locator('[name="/vehicle/power_hp"]').fill('90,5');
    await form.getByTestId('repeat-send').click();
    await page.waitForURL((url) => url.pathname.startsWith('/requests/') && !url.pathname.endsWith(first));
    const second = new URL(page.url()).pathname.slice('/requests/'.length);
    await cardComesTo(page, 'prompt', 'quoted');
    const { owner, vehicle } = insurers.applicationOf(`${second}:prompt`)!;
    expect({ owner, vehicle }).toMatchObject({ owner: { address: { region: '77' } }, vehicle: { power_hp: 90.5 } });
    expect(vehicle.vin).toBe(insurers.applicationOf(`${first}:prompt`)!.vehicle.vin);
    await page.getByTestId('cancel').click();

    await context.clearCookies({ name: 'osago_access' });
    await page.getByTestId('to-history').click();
    const entries = page.getByTestId('history-entry');
    await entries.first().waitFor({ timeout: SOON_MS });
    const links = await Promise.all((await entries.all()).map((entry) => entry.getAttribute('href')));
    expect(links).toEqual([`/requests/${second}`, `/requests/${first}`]);
    await entries.last().click();
    await cardComesTo(page, 'patient', 'cancelled');
    await page.reload();
    await cardComesTo(page, 'prompt', 'quoted');
    await cardComesTo(page, 'patient', 'cancelled');
    await page.goto(`${platform.state().url}/requests`);
    await entries.first().waitFor({ timeout: SOON_MS });
    await context.close();
  }, 180_000);
});

describe('the form', () => {
  test.each(Object.entries(APPLICATIONS))('sends %s as it was typed, and shows what came of it', async (_, application) => {
    const page = await browser.newPage();
    await page.goto(platform.state().url);
    await fillForm(page, application);
    await page.getByTestId('submit').click();
    await page.waitForURL('**/requests/*');
    await cardComesTo(page, 'prompt', 'quoted');
    const sent = await sentBy(page);
    const { consents, ...received } = insurers.applicationOf(`${sent.request_id}:prompt`) as unknown as { consents: object[] };
    expect(received).toEqual(application);
    expect(consents).toMatchObject([{ version: expect.any(String), text_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }]);

    const { drivers, prolongation } = application as { drivers: object[]; prolongation?: { insurer_id: string } };
    const prompt = card(page, 'prompt');
    expect(await prompt.getByTestId('pool').count()).toBe(1);
    expect(await prompt.getByTestId('mandatory-extras').textContent()).toContain('Несчастный случай');
    expect(await prompt.getByTestId('price').getAttribute('data-total-kopecks')).toBe(String(786_240 + 90_000));
    await prompt.locator('summary').click();
    // Both coefficients of each driver, where there are drivers to tell apart.
    expect(await prompt.getByTestId('driver-factor').count()).toBe(drivers.length > 1 ? 2 * drivers.length : 0);
    expect(await prompt.getByTestId('prolongation').count()).toBe(prolongation === undefined ? 0 : 1);
    const renewal = { prolongation: prolongation?.insurer_id === 'prompt', prolongation_from_other: prolongation?.insurer_id !== 'prompt' };
    expect(await comesTo(sent, 'prompt', 'quoted')).toMatchObject({
      pool: true,
      total_kopecks: 876_240,
      ...(prolongation !== undefined && renewal),
    });
    expect((await cancel(sent)).status).toBe(202);
    await page.close();
  }, 120_000);

  test('marks each field that is wrong, all at once, in the language of the page', async () => {
    const page = await browser.newPage();
    await page.goto(platform.state().url);
    await page.getByTestId('clear').click();
    const wrong = { '/vehicle/vin': 'IOQ', '/vehicle/plate': 'А000ВС77', '/vehicle/year': 'старый', '/owner/passport/series': '1', '/contacts/phone': '123' };
    for (const [pointer, typed] of Object.entries(wrong)) await page.locator(`[name="${pointer}"]`).fill(typed);
    await page.getByTestId('submit').click();
    await page.getByTestId('fault').first().waitFor();
    expect(await page.getByTestId('unplaced-faults').count()).toBe(0);
    for (const pointer of [...Object.keys(wrong), '/vehicle/brand', '/owner/last_name', '/drivers/0/licence/number']) {
      expect([pointer, await page.locator(`[name="${pointer}"]`).getAttribute('aria-invalid')]).toEqual([pointer, 'true']);
    }
    const words = async (): Promise<string[]> => page.getByTestId('fault').allTextContents();
    const russian = await words();
    expect(russian.filter((text) => /[a-z]{3}/i.test(text.replaceAll('VIN', '')))).toEqual([]);
    await page.getByTestId('language-en').click();
    const english = await words();
    expect(english).toHaveLength(russian.length);
    expect(english.filter((text) => /[а-яё]/i.test(text.replaceAll(/А123ВС77|99АВ/g, '')))).toEqual([]);
    await page.close();
  }, 60_000);
});

describe('a partner', () => {
  test('asks one insurer again once, however often it is told to, and is told what is wrong with a change', async () => {
    const posted = await post();
    await comesTo(posted, 'wants', 'needs_data');
    await comesTo(posted, 'patient', 'submitted');
    expect((await retry(posted, 'patient', { attempt: 1 })).status).toBe(409);
    const wrong = await retry(posted, 'wants', { attempt: 1, changes: { [WANTED_FIELD]: '!' } });
    expect(wrong).toMatchObject({ status: 400, body: { errors: [{ pointer: WANTED_FIELD }] } });
    const asked = { attempt: 1, changes: { [WANTED_FIELD]: BODY_NUMBER } };
    const [one, other] = [await retry(posted, 'wants', asked), await retry(posted, 'wants', asked)];
    expect(one).toMatchObject({ status: 202, body: { attempt: 2 } });
    expect(other).toMatchObject({ status: 202, body: { attempt: 2 } });
    expect(await comesTo(posted, 'wants', 'quoted')).toMatchObject({ attempt: 2 });
    expect(insurers.keysOf(posted.request_id, 'wants')).toHaveLength(2);

    expect(await cancel(posted)).toMatchObject({ status: 202, body: { revision: 3 } });
    await comesTo(posted, 'patient', 'cancelled');
    expect(await cancel(posted)).toMatchObject({ status: 200, body: { revision: 3 } });

    const { kafka_brokers } = platform.state();
    const commands = await until(
      'the commands are on the log',
      async () => {
        const own = (await readTopic(kafka_brokers, 'osago.requests.v1')).filter(({ key }) => key === posted.request_id);
        return own.length >= 3 ? own : undefined;
      },
      SOON_MS,
    );
    expect(commands.map(({ value }) => value['type'])).toEqual([
      'osago.request.submitted.v1',
      'osago.leg.retry-asked.v1',
      'osago.request.cancelled.v1',
    ]);
    const quotes = await readTopic(kafka_brokers, 'osago.quotes.v1');
    const attempts = quotes
      .filter(({ key, value }) => key === `${posted.request_id}:wants` && value['type'] === 'osago.quote.quoted.v1')
      .map(({ value }) => (value['data'] as { attempt: number }).attempt);
    expect(attempts).toEqual([2]);
  }, 240_000);

  test('sends the same twice and gets the same request; repeats it with a change; finds both in its history, masked', async () => {
    const first = await call<Posted>('/requests', { method: 'POST', body: APPLICATION });
    const cookie = first.headers.getSetCookie().find((text) => text.startsWith('osago_owner='))!.split(';')[0]!;
    const twins = await Promise.all([1, 2].map(() => call<Posted>('/requests', { method: 'POST', body: APPLICATION, headers: { cookie } })));
    for (const twin of twins) {
      expect(twin).toMatchObject({ status: 200, body: { request_id: first.body.request_id, duplicate: true } });
    }

    const changes = { '/vehicle/power_hp': 90, '/period/months': 6 };
    const changed = await post({ based_on: first.body.request_id, changes }, { cookie });
    expect(changed.request_id).not.toBe(first.body.request_id);
    const stranger = await call('/requests', { method: 'POST', body: { based_on: first.body.request_id } });
    expect(stranger.status).toBe(404);

    const shown = await call<{ application: object }>(`/requests/${changed.request_id}`, { headers: bearer(changed) });
    expect(shown.body.application).toMatchObject({ vehicle: { power_hp: 90 }, period: { months: 6 } });
    const { owner, contacts, vehicle } = JSON.parse(APPLICATION) as Record<string, Record<string, string>>;
    for (const personal of [owner!['last_name'], contacts!['phone'], contacts!['email'], vehicle!['vin']]) {
      expect(JSON.stringify(shown.body)).not.toContain(personal);
    }

    const history = await call<{ requests: Posted[] }>('/requests', { headers: { cookie } });
    expect(history.body.requests.map(({ request_id }) => request_id)).toEqual([changed.request_id, first.body.request_id]);
    for (const listed of history.body.requests) expect(await quoteOf(listed, 'prompt')).toBeDefined();
    expect((await call<{ requests: Posted[] }>('/requests')).body.requests).toEqual([]);
    for (const posted of [first.body, changed]) expect((await cancel(posted)).status).toBe(202);
  }, 120_000);

  test('sees who is asked, and which tariff is in force', async () => {
    const { body } = await call<{ insurers: { insurer_id: string }[] }>('/insurers');
    expect(body.insurers.map(({ insurer_id }) => insurer_id)).toEqual([...Object.keys(INSURERS), SIMULATED]);
    const tariffs = await call<object>('/tariffs?on=2026-12-01');
    expect(tariffs.status).toBe(200);
    expect(JSON.stringify(tariffs.body)).toContain('7204-У');
  });
});

describe('an operator', () => {
  const by = ['--by', 'e2e', '--reason', 'a test'];

  test('pauses an insurer for all pods with one command, and brings it back', async () => {
    await stateBecomes('up');
    await npmRun('insurers', '--', 'pause', SIMULATED, ...by);
    await stateBecomes('paused');
    await until(
      'new requests leave it out',
      async () => {
        const outcomes = await Promise.all([outcomeOfNew(), outcomeOfNew(), outcomeOfNew()]);
        return outcomes.every(({ reason, status }) => status === 'skipped' && reason?.code === 'paused') ? true : undefined;
      },
      SOON_MS,
    );
    await npmRun('insurers', '--', 'resume', SIMULATED, ...by);
    await stateBecomes('up');
    await until('it is asked again', async () => ((await outcomeOfNew()).status === 'quoted' ? true : undefined), SOON_MS);
    expect(await npmRun('insurers', '--', 'history', SIMULATED)).toMatch(/e2e.*"paused":true.*a test/);
  }, 180_000);

  test('need do nothing when an insurer breaks: it is left alone at once, and asked again when it is well', async () => {
    await setFaults([{ kind: 'status', status: 500 }]);
    // Each of them fails a few times: enough for the pods to see that it is no accident.
    const outcomes = await Promise.all(Array.from({ length: 12 }, outcomeOfNew));
    expect(new Set(outcomes.map(({ status }) => status))).not.toContain('quoted');
    await stateBecomes('degraded');
    await until(
      'it is not even asked',
      async () => ((await outcomeOfNew()).reason?.code === 'breaker_open' ? true : undefined),
      SOON_MS,
    );
    await setFaults([]);
    await until('it quotes again', async () => ((await outcomeOfNew()).status === 'quoted' ? true : undefined), SOON_MS);
    await stateBecomes('up');
  }, 240_000);
});

describe('the log, the archive and the database', () => {
  test('agree on everything that was done here', async () => {
    const said = await npmRun('replay', '--', 'verify');
    expect(said).toContain('nothing is wrong');
    expect(Number(/^(\d+) requests/m.exec(said)?.[1])).toBeGreaterThan(10);
  }, 120_000);
});
